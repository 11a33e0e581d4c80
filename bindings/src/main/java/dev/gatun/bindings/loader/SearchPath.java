package dev.gatun.bindings.loader;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The folders where CUDA's libraries may be, in order: GATUN_LIBRARY_PATH; Python wheels; conda;
 * the loader's own path; CUDNN_PATH, CUDA_PATH, CUDA_HOME and the usual toolkit folders.
 */
final class SearchPath {

  /**
   * A folder to look in and who named it; without a folder, a place that turned out to be empty.
   */
  record Place(String origin, Optional<Path> folder) {
    @Override
    public String toString() {
      return origin + folder.map(path -> ": " + path).orElse("");
    }
  }

  private static final List<String> WHEEL_FOLDERS =
      List.of("nvidia/cu13/lib", "nvidia/cudnn/lib", "nvidia/nccl/lib");

  private final List<Place> places = new ArrayList<>();
  private final Set<Path> seen = new LinkedHashSet<>();

  SearchPath(Environment environment) {
    add(
        "gatun.library.path or GATUN_LIBRARY_PATH",
        Environment.folders(environment.setting("gatun.library.path", "GATUN_LIBRARY_PATH")),
        "not set");
    addWheels(new PythonFolders(environment).sitePackages());
    for (String variable : List.of("CONDA_PREFIX")) {
      addBelow(environment, variable, List.of("lib", "targets/x86_64-linux/lib"));
    }
    add("LD_LIBRARY_PATH", Environment.folders(environment.variable("LD_LIBRARY_PATH")), "not set");
    add("system library folder", LoaderFolders.of(environment), "none");
    addBelow(environment, "CUDNN_PATH", List.of("lib", "lib64"));
    addBelow(environment, "CUDA_PATH", List.of("lib64", "targets/x86_64-linux/lib"));
    addBelow(environment, "CUDA_HOME", List.of("lib64", "targets/x86_64-linux/lib"));
    add("CUDA toolkit", toolkits(environment), "no /usr/local/cuda*");
  }

  List<Place> places() {
    return places;
  }

  /** The first folder that holds the file, else every place tried. */
  SearchResult find(String library, String fileName, String remedy) {
    for (Place place : places) {
      if (place.folder().isPresent()) {
        Path file = place.folder().get().resolve(fileName);
        if (Files.isRegularFile(file)) {
          return new SearchResult.Found(library, file, place.origin());
        }
      }
    }
    return new SearchResult.Missing(
        library, fileName, places.stream().map(Place::toString).toList(), remedy);
  }

  private void addWheels(List<Path> sitePackages) {
    List<Path> folders = new ArrayList<>();
    for (Path folder : sitePackages) {
      WHEEL_FOLDERS.forEach(wheel -> folders.add(folder.resolve(wheel)));
    }
    add("Python wheels", folders, "no site-packages folder");
  }

  private void addBelow(Environment environment, String variable, List<String> below) {
    String prefix = environment.variable(variable);
    add(
        variable,
        prefix == null ? List.of() : below.stream().map(Path.of(prefix)::resolve).toList(),
        "not set");
  }

  private void add(String origin, List<Path> folders, String ifNone) {
    if (folders.isEmpty()) {
      places.add(new Place(origin + " (" + ifNone + ")", Optional.empty()));
    }
    for (Path folder : folders) {
      Path absolute = folder.toAbsolutePath().normalize();
      if (seen.add(absolute)) {
        places.add(new Place(origin, Optional.of(absolute)));
      }
    }
  }

  private static List<Path> toolkits(Environment environment) {
    List<Path> folders = new ArrayList<>();
    for (Path toolkit : Folders.matching(environment.system("/usr/local"), "cuda*")) {
      folders.add(toolkit.resolve("lib64"));
    }
    return folders;
  }
}
