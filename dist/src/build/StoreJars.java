import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Enumeration;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * Writes the jars of some folders again without compression: {@code java StoreJars.java FOLDER...}.
 * The archive that they go into compresses all of them together, which is smaller, and a JVM starts
 * faster from such jars.
 */
public final class StoreJars {
  public static void main(String[] folders) throws IOException {
    for (String folder : folders) {
      List<Path> jars;
      try (var files = Files.list(Path.of(folder))) {
        jars = files.filter(file -> file.toString().endsWith(".jar")).sorted().toList();
      }
      jars.forEach(StoreJars::store);
    }
  }

  private static void store(Path jar) {
    Path stored = jar.resolveSibling(jar.getFileName() + ".stored");
    try {
      try (ZipFile from = new ZipFile(jar.toFile());
          OutputStream file = Files.newOutputStream(stored);
          ZipOutputStream to = new ZipOutputStream(file)) {
        for (Enumeration<? extends ZipEntry> e = from.entries(); e.hasMoreElements(); ) {
          ZipEntry entry = e.nextElement();
          byte[] bytes = from.getInputStream(entry).readAllBytes();
          CRC32 crc = new CRC32();
          crc.update(bytes);
          ZipEntry copy = new ZipEntry(entry.getName());
          copy.setMethod(ZipEntry.STORED);
          copy.setSize(bytes.length);
          copy.setCrc(crc.getValue());
          copy.setTime(entry.getTime());
          to.putNextEntry(copy);
          to.write(bytes);
          to.closeEntry();
        }
      }
      Files.move(stored, jar, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException(jar + ": cannot be written without compression", e);
    }
  }
}
