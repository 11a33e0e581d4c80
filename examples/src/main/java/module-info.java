/** The command line and runnable examples. */
@org.jspecify.annotations.NullMarked
module dev.gatun.examples {
  requires static transitive org.jspecify;
  requires dev.gatun.bindings;
  requires dev.gatun.ddpm;
  requires com.google.gson;
  requires info.picocli;
  requires java.desktop;
  requires jdk.management;
  requires me.tongfei.progressbar;
  requires xchart;
  requires org.slf4j;

  opens dev.gatun.examples.cli to
      info.picocli;
}
