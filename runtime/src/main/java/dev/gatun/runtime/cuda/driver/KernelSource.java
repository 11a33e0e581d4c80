package dev.gatun.runtime.cuda.driver;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A CUDA C++ file with all that it is compiled from.
 *
 * @param name what it is called in messages and in the cache: "elementwise"
 * @param text the program
 * @param headers what it includes, by the name that it includes it by
 * @param options for the compiler beside the architecture
 */
public record KernelSource(
    String name, String text, Map<String, String> headers, List<String> options) {
  private static final Pattern INCLUDE =
      Pattern.compile("^\\s*#\\s*include\\s*\"([^\"]+)\"", Pattern.MULTILINE);
  private static final Pattern OPTIONS =
      Pattern.compile("^// nvrtc options: *(.*?) *$", Pattern.MULTILINE);

  public KernelSource {
    headers = Collections.unmodifiableMap(new TreeMap<>(headers));
    options = List.copyOf(options);
  }

  /**
   * {@code name}.cu and the headers that it includes in quotes, from the resources beside {@code
   * owner}. A line {@code // nvrtc options: --fmad=false} of the file adds options.
   */
  public static KernelSource ofResource(Class<?> owner, String name) {
    String text = read(owner, name + ".cu");
    Map<String, String> headers = new TreeMap<>();
    addHeaders(owner, text, headers);
    List<String> options = new ArrayList<>(List.of("--std=c++17"));
    Matcher matcher = OPTIONS.matcher(text);
    while (matcher.find()) {
      options.addAll(List.of(matcher.group(1).split(" +")));
    }
    return new KernelSource(name, text, headers, options);
  }

  private static void addHeaders(Class<?> owner, String text, Map<String, String> headers) {
    Matcher include = INCLUDE.matcher(text);
    while (include.find()) {
      String header = include.group(1);
      if (!headers.containsKey(header)) {
        String content = read(owner, header);
        headers.put(header, content);
        addHeaders(owner, content, headers);
      }
    }
  }

  private static String read(Class<?> owner, String resource) {
    try (InputStream stream = owner.getResourceAsStream(resource)) {
      if (stream == null) {
        throw new IllegalArgumentException(
            "kernels: no resource " + resource + " beside " + owner.getName());
      }
      return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
