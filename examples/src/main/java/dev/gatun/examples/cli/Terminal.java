package dev.gatun.examples.cli;

import java.lang.foreign.AddressLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.foreign.ValueLayout.OfInt;

/** What the standard error is connected to, asked of the C library. */
final class Terminal {
  private static final int STANDARD_ERROR = 2;
  private static final int DEFAULT_COLUMNS = 80;
  private static final boolean MAC = System.getProperty("os.name", "").startsWith("Mac");
  private static final long TIOCGWINSZ = MAC ? 0x40087468L : 0x5413L;
  private static final OfInt INT = ValueLayout.JAVA_INT;
  private static final AddressLayout POINTER = ValueLayout.ADDRESS;

  private Terminal() {}

  /** isatty(2); false where the C library has no such function. */
  static boolean isInteractive() {
    Linker linker = Linker.nativeLinker();
    return linker
        .defaultLookup()
        .find("isatty")
        .map(
            address -> {
              try {
                FunctionDescriptor type = FunctionDescriptor.of(INT, INT);
                return (int) linker.downcallHandle(address, type).invokeExact(STANDARD_ERROR) == 1;
              } catch (Throwable e) {
                throw new AssertionError(e);
              }
            })
        .orElse(false);
  }

  /** ioctl(2, TIOCGWINSZ, {rows, columns, ...}); 80 where it does not say. */
  static int columns() {
    Linker linker = Linker.nativeLinker();
    return linker
        .defaultLookup()
        .find("ioctl")
        .map(
            address -> {
              try (Arena arena = Arena.ofConfined()) {
                MemorySegment size = arena.allocate(8, 2); // struct winsize: 4 unsigned shorts
                FunctionDescriptor type =
                    FunctionDescriptor.of(INT, INT, ValueLayout.JAVA_LONG, POINTER);
                int status =
                    (int)
                        linker
                            .downcallHandle(address, type, Linker.Option.firstVariadicArg(2))
                            .invokeExact(STANDARD_ERROR, TIOCGWINSZ, size);
                int columns = size.getAtIndex(ValueLayout.JAVA_SHORT, 1) & 0xffff;
                return status == 0 && columns > 0 ? columns : DEFAULT_COLUMNS;
              } catch (Throwable e) {
                throw new AssertionError(e);
              }
            })
        .orElse(DEFAULT_COLUMNS);
  }
}
