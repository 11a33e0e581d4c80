package dev.gatun.bindings.loader;

/**
 * A shared library is in none of the places where it was looked for; the message lists them all.
 */
public final class LibraryNotFoundException extends LibraryLoadException {
  private static final long serialVersionUID = 1L;

  private final transient SearchResult.Missing missing;

  public LibraryNotFoundException(SearchResult.Missing missing) {
    super(missing.explanation(), null);
    this.missing = missing;
  }

  /** What was looked for, and where. */
  public SearchResult.Missing missing() {
    return missing;
  }
}
