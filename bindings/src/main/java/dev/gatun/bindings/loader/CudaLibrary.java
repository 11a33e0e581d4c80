package dev.gatun.bindings.loader;

import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * NVIDIA's shared libraries. {@link #load} finds one, loads it by absolute path with those that it
 * needs, and makes its generated class usable; nothing else loads them.
 */
public enum CudaLibrary {
  DRIVER("CUDA driver", "libcuda.so.1", null, "install NVIDIA's driver, 580 or later"),
  RUNTIME("CUDA runtime", "libcudart.so.13", "nvidia/cu13/lib", "pip install nvidia-cuda-runtime"),
  CUBLASLT("cuBLASLt", "libcublasLt.so.13", "nvidia/cu13/lib", "pip install nvidia-cublas"),
  CUBLAS("cuBLAS", "libcublas.so.13", "nvidia/cu13/lib", "pip install nvidia-cublas"),
  NVRTC("NVRTC", "libnvrtc.so.13", "nvidia/cu13/lib", "pip install nvidia-cuda-nvrtc"),
  CUDNN("cuDNN", "libcudnn.so.9", "nvidia/cudnn/lib", "pip install nvidia-cudnn-cu13"),
  NCCL("NCCL", "libnccl.so.2", "nvidia/nccl/lib", "pip install nvidia-nccl-cu13");

  private static final Map<CudaLibrary, LoadedLibrary> LOADED = new EnumMap<>(CudaLibrary.class);

  private final String title;
  private final String fileName;
  private final @Nullable String wheelFolder;
  private final String remedy;

  CudaLibrary(String title, String fileName, @Nullable String wheelFolder, String remedy) {
    this.title = title;
    this.fileName = fileName;
    this.wheelFolder = wheelFolder;
    this.remedy = remedy;
  }

  /** What people call it: "cuDNN". */
  public String title() {
    return title;
  }

  /** The file that is looked for: "libcudnn.so.9". */
  public String fileName() {
    return fileName;
  }

  /** Looks for the file; nothing is loaded. */
  public SearchResult find() {
    return find(Environment.ofProcess());
  }

  SearchResult find(Environment environment) {
    String how =
        this == DRIVER
            ? remedy
            : remedy + ", or set gatun.library.path (GATUN_LIBRARY_PATH) to the folder that has it";
    return searchPath(environment).find(title, fileName, how);
  }

  SearchPath searchPath(Environment environment) {
    return new SearchPath(environment, wheelFolder);
  }

  /**
   * Loads the library, once.
   *
   * @throws LibraryNotFoundException when it is in none of the places tried
   * @throws LibraryLoadException when the file found cannot be loaded, or cuDNN's files are not
   *     together in one folder
   */
  public LoadedLibrary load() {
    synchronized (LOADED) {
      LoadedLibrary loaded = LOADED.get(this);
      if (loaded == null) {
        loaded = load(Environment.ofProcess());
        LOADED.put(this, loaded);
      }
      return loaded;
    }
  }

  private LoadedLibrary load(Environment environment) {
    Path file =
        switch (find(environment)) {
          case SearchResult.Found found -> found.path();
          case SearchResult.Missing missing -> throw new LibraryNotFoundException(missing);
        };
    loadBefore(environment, file);
    SharedObjects.load(title, file);
    return new LoadedLibrary(title, file, CudaVersions.of(this));
  }

  /** What the dynamic loader would otherwise look for by name, on a path that it does not have. */
  private void loadBefore(Environment environment, Path file) {
    switch (this) {
      case CUBLAS -> CUBLASLT.load();
      case NVRTC ->
          Folders.matching(file.resolveSibling(""), "libnvrtc-builtins.so.13.*").stream()
              .findFirst()
              .ifPresent(builtins -> SharedObjects.load("NVRTC's built-ins", builtins));
      case CUDNN -> {
        CudnnFolder.check(file, searchPath(environment));
        // Its engines open these by name when a plan asks for them.
        for (CudaLibrary library : List.of(CUBLAS, NVRTC)) {
          if (library.find(environment) instanceof SearchResult.Found) {
            library.load();
          }
        }
      }
      case DRIVER, RUNTIME, CUBLASLT, NCCL -> {}
    }
  }
}
