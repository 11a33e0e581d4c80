/**
 * Finds the native libraries, loads them by absolute path before their generated classes are used,
 * and explains what was tried.
 */
package dev.gatun.bindings.loader;
