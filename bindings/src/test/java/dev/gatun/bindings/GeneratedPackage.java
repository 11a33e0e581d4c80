package dev.gatun.bindings;

import dev.gatun.bindings.cublas.Cublas;
import dev.gatun.bindings.cublaslt.CublasLt;
import dev.gatun.bindings.cuda.Cuda;
import dev.gatun.bindings.cudart.CudaRuntime;
import dev.gatun.bindings.cudnn.Cudnn;
import dev.gatun.bindings.loader.CudaLibrary;
import dev.gatun.bindings.loader.LoadedLibrary;
import dev.gatun.bindings.loader.OneDnnLibrary;
import dev.gatun.bindings.nccl.Nccl;
import dev.gatun.bindings.nvrtc.Nvrtc;
import dev.gatun.bindings.onednn.OneDnn;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** One generated package: its classes, the files that it was made from, and its library. */
enum GeneratedPackage {
  ONEDNN(OneDnn.class, OneDnnLibrary::load),
  CUDA(Cuda.class, CudaLibrary.DRIVER::load),
  CUDART(CudaRuntime.class, CudaLibrary.RUNTIME::load),
  CUBLAS(Cublas.class, CudaLibrary.CUBLAS::load),
  CUBLASLT(CublasLt.class, CudaLibrary.CUBLASLT::load),
  CUDNN(Cudnn.class, CudaLibrary.CUDNN::load),
  NVRTC(Nvrtc.class, CudaLibrary.NVRTC::load),
  NCCL(Nccl.class, CudaLibrary.NCCL::load);

  static final Path SOURCES = Path.of("src/main/java");

  final Class<?> header;
  private final Supplier<LoadedLibrary> loader;

  GeneratedPackage(Class<?> header, Supplier<LoadedLibrary> loader) {
    this.header = header;
    this.loader = loader;
  }

  String folder() {
    return name().toLowerCase();
  }

  LoadedLibrary load() {
    return loader.get();
  }

  /** jextract/&lt;lib&gt;/ */
  Path inputs() {
    return Path.of("jextract", folder());
  }

  /** The names that includes.txt has of a kind: "function", "constant", "struct", "typedef". */
  Set<String> included(String kind) throws IOException {
    return Files.readAllLines(inputs().resolve("includes.txt")).stream()
        .filter(line -> line.startsWith("--include-" + kind + " "))
        .map(line -> line.substring(line.indexOf(' ') + 1))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** The functions that the header class binds: each has a nested class that holds its address. */
  Set<String> boundFunctions() {
    return headerClasses()
        .flatMap(type -> Arrays.stream(type.getDeclaredClasses()))
        .filter(GeneratedPackage::holdsAddress)
        .map(Class::getSimpleName)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private Stream<Class<?>> headerClasses() {
    return Stream.iterate(header, type -> type != Object.class, Class::getSuperclass);
  }

  private static boolean holdsAddress(Class<?> type) {
    return Arrays.stream(type.getDeclaredFields())
        .anyMatch(field -> field.getName().equals("ADDR"));
  }

  /** The generated classes beside the header class: structs, unions and function types. */
  List<Class<?>> types() throws IOException {
    Path folder = SOURCES.resolve(header.getPackageName().replace('.', '/'));
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .map(file -> file.getFileName().toString().replaceFirst("\\.java$", ""))
          .filter(name -> !name.startsWith(header.getSimpleName()))
          .sorted()
          .<Class<?>>map(name -> classNamed(header.getPackageName() + "." + name))
          .toList();
    }
  }

  private static Class<?> classNamed(String name) {
    try {
      return Class.forName(name, false, GeneratedPackage.class.getClassLoader());
    } catch (ClassNotFoundException e) {
      throw new AssertionError("no class for the source of " + name, e);
    }
  }

  /** The version of the headers in versions.txt. */
  String headerVersion() throws IOException {
    String prefix = folder() + ": ";
    return Files.readAllLines(Path.of("jextract", "versions.txt")).stream()
        .filter(line -> line.startsWith(prefix))
        .map(line -> line.substring(prefix.length()))
        .findFirst()
        .orElseThrow();
  }
}
