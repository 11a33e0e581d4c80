package dev.gatun.bindings;

import dev.gatun.bindings.loader.CudaLibrary;
import dev.gatun.bindings.loader.SearchResult;
import java.io.IOException;
import java.io.InputStream;
import java.net.JarURLConnection;
import java.net.URI;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;

/**
 * Where a package's headers are on this machine: oneDNN's in its jar, CUDA's beside the libraries
 * and in /usr/local/cuda*.
 *
 * @param folders include folders, those with the recorded headers first
 * @param lacking recorded headers that no folder has with the recorded checksum
 */
record HeaderFolders(List<Path> folders, List<String> lacking) {

  static HeaderFolders of(GeneratedPackage generated, Path unpackTo) throws IOException {
    List<Path> candidates =
        generated == GeneratedPackage.ONEDNN ? List.of(unpackOneDnn(unpackTo)) : cudaFolders();
    Map<String, String> recorded = Checksums.read(generated.inputs().resolve("headers.sha256"));
    Set<Path> folders = new LinkedHashSet<>();
    List<String> lacking = new ArrayList<>();
    recorded.forEach(
        (header, checksum) ->
            candidates.stream()
                .filter(folder -> Files.isRegularFile(folder.resolve(header)))
                .filter(folder -> Checksums.of(folder.resolve(header)).equals(checksum))
                .findFirst()
                .ifPresentOrElse(folders::add, () -> lacking.add(header)));
    folders.addAll(candidates);
    return new HeaderFolders(List.copyOf(folders), lacking);
  }

  private static List<Path> cudaFolders() throws IOException {
    Set<Path> folders = new LinkedHashSet<>();
    for (CudaLibrary library : CudaLibrary.values()) {
      if (library.find() instanceof SearchResult.Found found) {
        folders.add(found.path().getParent().resolveSibling("include"));
      }
    }
    try (DirectoryStream<Path> toolkits =
        Files.newDirectoryStream(Path.of("/usr/local"), "cuda*")) {
      toolkits.forEach(toolkit -> folders.add(toolkit.resolve("include")));
    }
    return folders.stream().filter(Files::isDirectory).toList();
  }

  private static Path unpackOneDnn(Path target) throws IOException {
    String folder = "org/bytedeco/dnnl/linux-x86_64/include/";
    URI header =
        URI.create(HeaderFolders.class.getClassLoader().getResource(folder + "dnnl.h").toString());
    try (JarFile jar = ((JarURLConnection) header.toURL().openConnection()).getJarFile()) {
      for (JarEntry entry : (Iterable<JarEntry>) jar.stream()::iterator) {
        if (entry.getName().startsWith(folder) && !entry.isDirectory()) {
          Path file = target.resolve(entry.getName().substring(folder.length()));
          Files.createDirectories(file.getParent());
          try (InputStream bytes = jar.getInputStream(entry)) {
            Files.copy(bytes, file);
          }
        }
      }
    }
    return target;
  }
}
