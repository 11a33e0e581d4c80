package dev.gatun.bindings.loader;

import java.io.File;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What a search depends on: the system's root, environment variables and system properties. */
record Environment(Path root, Map<String, String> variables, Map<String, String> properties) {

  static Environment ofProcess() {
    Properties properties = System.getProperties();
    Map<String, String> strings =
        properties.stringPropertyNames().stream()
            .collect(Collectors.toMap(name -> name, name -> properties.getProperty(name, "")));
    return new Environment(Path.of("/"), System.getenv(), strings);
  }

  /** The property, else the variable, else null; an empty one counts as unset. */
  @Nullable String setting(String property, String variable) {
    String value = properties.get(property);
    return value != null && !value.isBlank() ? value : variable(variable);
  }

  @Nullable String variable(String name) {
    String value = variables.get(name);
    return value == null || value.isBlank() ? null : value;
  }

  /** The folders of a path list such as PATH; none for null. */
  static List<Path> folders(@Nullable String pathList) {
    return pathList == null
        ? List.of()
        : Arrays.stream(pathList.split(File.pathSeparator, -1))
            .filter(folder -> !folder.isBlank())
            .map(folder -> Path.of(folder).toAbsolutePath())
            .toList();
  }

  /** An absolute path of the system, such as "/usr/lib", below the root. */
  Path system(String path) {
    return root.resolve(path.substring(1));
  }

  Path home() {
    String home = properties.get("user.home");
    return Path.of(home == null ? "/" : home);
  }
}
