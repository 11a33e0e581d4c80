package dev.gatun.bindings.loader;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** The site-packages folders of the machine's Pythons, found without running one. */
record PythonFolders(Environment environment) {

  /**
   * The active environment's, then those of each python3 on PATH, the user's, the system's,
   * pyenv's.
   */
  List<Path> sitePackages() {
    Set<Path> folders = new LinkedHashSet<>();
    for (Path prefix : prefixes()) {
      for (Path python : Folders.matching(prefix.resolve("lib"), "python3*")) {
        for (String name : List.of("site-packages", "dist-packages")) {
          Path folder = python.resolve(name);
          if (Files.isDirectory(folder)) {
            folders.add(folder);
          }
        }
      }
    }
    return List.copyOf(folders);
  }

  private List<Path> prefixes() {
    List<Path> prefixes = new ArrayList<>();
    addVariable(prefixes, "VIRTUAL_ENV");
    addVariable(prefixes, "CONDA_PREFIX");
    for (Path folder : Environment.folders(environment.variable("PATH"))) {
      if (Files.isExecutable(folder.resolve("python3")) && folder.getParent() != null) {
        prefixes.add(folder.getParent());
      }
    }
    prefixes.add(environment.home().resolve(".local"));
    prefixes.add(environment.system("/usr/local"));
    prefixes.add(environment.system("/usr"));
    String pyenv = environment.variable("PYENV_ROOT");
    Path pyenvRoot = pyenv == null ? environment.home().resolve(".pyenv") : Path.of(pyenv);
    prefixes.addAll(Folders.matching(pyenvRoot.resolve("versions"), "3*"));
    return prefixes;
  }

  private void addVariable(List<Path> prefixes, String variable) {
    String prefix = environment.variable(variable);
    if (prefix != null) {
      prefixes.add(Path.of(prefix));
    }
  }
}
