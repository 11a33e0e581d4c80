package dev.gatun.bindings.loader;

import java.nio.file.Path;

/**
 * A shared library that this process has loaded.
 *
 * @param name what people call it: "oneDNN", "cuDNN"
 * @param path the file that was loaded, absolute
 * @param version what the library itself says, such as "3.11.0"
 */
public record LoadedLibrary(String name, Path path, String version) {}
