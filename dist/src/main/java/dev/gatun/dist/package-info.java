/** What the self-contained distribution has beside the modules: its self-test. */
@org.jspecify.annotations.NullMarked
package dev.gatun.dist;
