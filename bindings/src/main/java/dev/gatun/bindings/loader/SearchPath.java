package dev.gatun.bindings.loader;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The folders where one of CUDA's libraries may be, in order: GATUN_LIBRARY_PATH; Python wheels;
 * conda; the loader's own path; CUDNN_PATH, CUDA_PATH, CUDA_HOME and /usr/local/cuda.
 */
final class SearchPath {

  /** Folders and who names them; without folders, the reason why there are none. */
  record Place(String origin, List<Path> folders, String ifNone) {
    @Override
    public String toString() {
      return folders.isEmpty()
          ? origin + " (" + ifNone + ")"
          : folders.stream()
              .map(Path::toString)
              .collect(Collectors.joining(", ", origin + ": ", ""));
    }
  }

  private final List<Place> places = new ArrayList<>();
  private final Set<Path> seen = new HashSet<>();

  /**
   * @param wheelFolder where wheels keep the library below site-packages, such as
   *     "nvidia/cudnn/lib"; null when no wheel has it
   */
  SearchPath(Environment environment, @Nullable String wheelFolder) {
    add(
        "gatun.library.path or GATUN_LIBRARY_PATH",
        Environment.folders(environment.setting("gatun.library.path", "GATUN_LIBRARY_PATH")),
        "not set");
    if (wheelFolder != null) {
      List<Path> sitePackages = new PythonFolders(environment).sitePackages();
      add("Python wheels", below(sitePackages, wheelFolder), "no site-packages folder");
    }
    addPrefix(environment, "CONDA_PREFIX", "lib", "targets/x86_64-linux/lib");
    add("LD_LIBRARY_PATH", Environment.folders(environment.variable("LD_LIBRARY_PATH")), "not set");
    add("system library folders", LoaderFolders.of(environment), "none");
    addPrefix(environment, "CUDNN_PATH", "lib", "lib64");
    addPrefix(environment, "CUDA_PATH", "lib64", "targets/x86_64-linux/lib");
    addPrefix(environment, "CUDA_HOME", "lib64", "targets/x86_64-linux/lib");
    List<Path> toolkits = Folders.matching(environment.system("/usr/local"), "cuda*");
    add("CUDA toolkits", below(toolkits, "lib64"), "no " + environment.system("/usr/local/cuda*"));
  }

  /** The first folder that holds the file for 64 bits, else every place tried. */
  SearchResult find(String library, String fileName, String remedy) {
    for (Place place : places) {
      for (Path folder : place.folders()) {
        Path file = folder.resolve(fileName);
        if (Files.isRegularFile(file) && !isOf32Bits(file)) {
          return new SearchResult.Found(library, file, place.origin());
        }
      }
    }
    List<String> tried = places.stream().map(Place::toString).toList();
    return new SearchResult.Missing(library, fileName, tried, remedy);
  }

  private void addPrefix(Environment environment, String variable, String... below) {
    String prefix = environment.variable(variable);
    List<Path> folders = new ArrayList<>();
    for (String folder : below) {
      if (prefix != null) {
        folders.add(Path.of(prefix, folder));
      }
    }
    add(variable, folders, "not set");
  }

  /** A folder that an earlier place has under any name is not tried again. */
  private void add(String origin, List<Path> folders, String ifNone) {
    List<Path> fresh =
        folders.stream()
            .map(Path::toAbsolutePath)
            .filter(folder -> seen.add(real(folder)))
            .toList();
    places.add(new Place(origin, fresh, folders.isEmpty() ? ifNone : "tried above"));
  }

  /**
   * Whether it is an ELF file of class 32, as the driver's for old games in a folder of its own:
   * the dynamic loader, too, goes on to the next folder then.
   */
  private static boolean isOf32Bits(Path file) {
    try (InputStream stream = Files.newInputStream(file)) {
      byte[] start = stream.readNBytes(5);
      return start.length == 5
          && start[0] == 0x7F
          && start[1] == 'E'
          && start[2] == 'L'
          && start[3] == 'F'
          && start[4] == 1; // ELFCLASS32
    } catch (IOException e) {
      return false; // loading it says why
    }
  }

  private static List<Path> below(List<Path> folders, String below) {
    return folders.stream().map(folder -> folder.resolve(below)).toList();
  }

  private static Path real(Path folder) {
    try {
      return folder.toRealPath();
    } catch (IOException e) {
      return folder.normalize();
    }
  }
}
