package dev.gatun.runtime.onednn;

import dev.gatun.runtime.memory.OutOfDeviceMemoryException;
import dev.gatun.runtime.op.ConstantScope;
import dev.gatun.runtime.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;

/**
 * The forms in which convolutions multiply their weights, kept as long as the weights are
 * {@linkplain dev.gatun.runtime.op.Backend#constant constant}: with few images in a batch they take
 * a good part of the time to make. At most {@link #SHARE} times the memory of the weights.
 */
final class ConstantWeights {

  /** Winograd's are 16/9 as large as the weights. */
  private static final int SHARE = 2;

  private final HostMemory memory = new HostMemory();
  private final List<Scope> scopes = new ArrayList<>();

  /** Weights within {@code tensor}'s memory are constant until the result is closed. */
  ConstantScope open(Tensor tensor) {
    Scope scope = new Scope(tensor);
    scopes.add(scope);
    return scope;
  }

  /**
   * The address of {@code weight} in a form that takes {@code bytes}: as it was made before, or as
   * {@code make} writes it now, to memory that is kept or, where it is not to be, to {@code
   * scratch}.
   *
   * @param form what is to be made of the weights, among everything that is made of any
   */
  long get(Tensor weight, Object form, long bytes, LongSupplier scratch, LongConsumer make) {
    Key key = new Key(weight.segment().address(), form);
    for (Scope scope : scopes) {
      Long known = scope.known.get(key);
      if (known != null) {
        return known;
      }
    }
    for (Scope scope : scopes) {
      long address = scope.covers(weight) ? scope.reserve(bytes) : 0;
      if (address != 0) {
        make.accept(address);
        scope.known.put(key, address);
        return address;
      }
    }
    long address = scratch.getAsLong();
    make.accept(address);
    return address;
  }

  private record Key(long weight, Object form) {}

  private final class Scope implements ConstantScope {
    private final Map<Key, Long> known = new HashMap<>();
    private final List<MemorySegment> blocks = new ArrayList<>();
    private final long begin;
    private final long end;
    private long room;

    Scope(Tensor tensor) {
      MemorySegment segment = tensor.segment();
      begin = segment.address();
      end = begin + segment.byteSize();
      room = SHARE * segment.byteSize();
    }

    boolean covers(Tensor weight) {
      long address = weight.segment().address();
      return begin <= address && address + weight.segment().byteSize() <= end;
    }

    /** The address of new memory; 0 where that would be too much, or there is none. */
    long reserve(long bytes) {
      if (bytes > room) {
        return 0;
      }
      try {
        MemorySegment block = memory.reserve(bytes);
        blocks.add(block);
        room -= bytes;
        return block.address();
      } catch (OutOfDeviceMemoryException e) {
        room = 0; // slower, but it does go on
        return 0;
      }
    }

    @Override
    public void close() {
      scopes.remove(this);
      blocks.forEach(memory::release);
      blocks.clear();
      known.clear();
    }
  }
}
