package dev.gatun.examples;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.core.importer.Location;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;

/** Who may know whom. A rule about packages that are not written yet holds until they are. */
@AnalyzeClasses(
    packages = "dev.gatun",
    importOptions = {
      ImportOption.DoNotIncludeTests.class,
      ArchitectureTest.DoNotIncludeTestJars.class,
      ArchitectureTest.DoNotIncludeGeneratedBindings.class
    })
class ArchitectureTest {

  private static final String[] GENERATED =
      in("bindings", "cuda", "cudart", "cublas", "cublaslt", "cudnn", "nvrtc", "nccl", "onednn");

  /** The tests of the modules below, as this module's tests see them. */
  static final class DoNotIncludeTestJars implements ImportOption {
    @Override
    public boolean includes(Location location) {
      return !location.contains("-tests.jar");
    }
  }

  /** They are many, know nobody, and are seen from their users' side. */
  static final class DoNotIncludeGeneratedBindings implements ImportOption {
    private static final Pattern HAND_WRITTEN =
        Pattern.compile(".*/dev/gatun/(?!bindings/).*|.*/dev/gatun/bindings/loader/.*");

    @Override
    public boolean includes(Location location) {
      return location.matches(HAND_WRITTEN);
    }
  }

  @ArchTest
  static void theRulesSeeEveryModule(JavaClasses classes) {
    for (String module : List.of("bindings", "runtime", "nn", "ddpm", "examples")) {
      String name = "dev.gatun." + module + ".";
      long seen = classes.stream().filter(c -> c.getName().startsWith(name)).count();
      assertNotEquals(
          0, seen, "no class of " + name + " was seen: the rules would hold by default");
    }
  }

  @ArchTest
  static final ArchRule noCycles = slices().matching("dev.gatun.(**)").should().beFreeOfCycles();

  // Modules: bindings <- runtime <- nn <- ddpm <- examples.

  @ArchTest
  static final ArchRule bindings =
      no("dev.gatun.bindings..")
          .mayKnow(
              "dev.gatun.runtime..", "dev.gatun.nn..", "dev.gatun.ddpm..", "dev.gatun.examples..");

  @ArchTest
  static final ArchRule runtime =
      no("dev.gatun.runtime..")
          .mayKnow("dev.gatun.nn..", "dev.gatun.ddpm..", "dev.gatun.examples..");

  @ArchTest
  static final ArchRule nn =
      no("dev.gatun.nn..").mayKnow("dev.gatun.ddpm..", "dev.gatun.examples..");

  @ArchTest static final ArchRule ddpm = no("dev.gatun.ddpm..").mayKnow("dev.gatun.examples..");

  /** A program opens a backend and hands it down. */
  @ArchTest
  static final ArchRule networksNameNoBackend =
      no("dev.gatun.nn..", "dev.gatun.ddpm..")
          .mayKnow(
              "dev.gatun.runtime.cuda..", "dev.gatun.runtime.onednn..", "dev.gatun.bindings..");

  // runtime: tensor -> memory; op -> tensor, memory; cuda -> cuda.{driver, cudnn, cublaslt}, op;
  // cuda.{cudnn, cublaslt} -> cuda.driver; these three and onednn -> bindings; cuda and onednn
  // never
  // meet.

  @ArchTest
  static final ArchRule onlyTheirWrappersCallBindings =
      noClasses()
          .that()
          .resideOutsideOfPackages(
              "dev.gatun.bindings..",
              "dev.gatun.runtime.cuda.driver..",
              "dev.gatun.runtime.cuda.cudnn..",
              "dev.gatun.runtime.cuda.cublaslt..",
              "dev.gatun.runtime.onednn..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(GENERATED)
          .allowEmptyShould(true);

  @ArchTest
  static final ArchRule memory =
      no("dev.gatun.runtime.memory..").mayKnow(in("runtime", "tensor", "op", "cuda", "onednn"));

  @ArchTest
  static final ArchRule tensor =
      no("dev.gatun.runtime.tensor..").mayKnow(in("runtime", "op", "cuda", "onednn"));

  @ArchTest
  static final ArchRule op = no("dev.gatun.runtime.op..").mayKnow(in("runtime", "cuda", "onednn"));

  @ArchTest
  static final ArchRule cuda = no("dev.gatun.runtime.cuda..").mayKnow(in("runtime", "onednn"));

  @ArchTest
  static final ArchRule oneDnn = no("dev.gatun.runtime.onednn..").mayKnow(in("runtime", "cuda"));

  @ArchTest
  static final ArchRule cudaDriver =
      no("dev.gatun.runtime.cuda.driver..")
          .mayKnow(
              "dev.gatun.runtime.cuda",
              "dev.gatun.runtime.cuda.cudnn..",
              "dev.gatun.runtime.cuda.cublaslt..",
              "dev.gatun.runtime.op..",
              "dev.gatun.runtime.tensor..");

  @ArchTest
  static final ArchRule cudaLibraries =
      no("dev.gatun.runtime.cuda.cudnn..", "dev.gatun.runtime.cuda.cublaslt..")
          .mayKnow("dev.gatun.runtime.cuda");

  // nn: autograd -> runtime.op; op -> autograd; layer -> op; optim -> autograd; checkpoint ->
  // tensor.

  @ArchTest
  static final ArchRule autograd =
      no("dev.gatun.nn.autograd..").mayKnow(in("nn", "op", "layer", "optim", "checkpoint"));

  @ArchTest
  static final ArchRule differentiableOp =
      no("dev.gatun.nn.op..").mayKnow(in("nn", "layer", "optim", "checkpoint"));

  @ArchTest
  static final ArchRule layer = no("dev.gatun.nn.layer..").mayKnow(in("nn", "optim", "checkpoint"));

  @ArchTest
  static final ArchRule optim =
      no("dev.gatun.nn.optim..").mayKnow(in("nn", "op", "layer", "checkpoint"));

  @ArchTest
  static final ArchRule checkpoint =
      no("dev.gatun.nn.checkpoint..").mayKnow(in("nn", "op", "layer", "optim"));

  /** The file formats know tensors alone; Checkpoint alone knows whose they are. */
  @ArchTest
  static final ArchRule onlyCheckpointKnowsParameters =
      noClasses()
          .that()
          .resideInAPackage("dev.gatun.nn.checkpoint..")
          .and()
          .haveNameNotMatching("dev\\.gatun\\.nn\\.checkpoint\\.Checkpoint(\\$.*)?")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("dev.gatun.nn.autograd..")
          .allowEmptyShould(true);

  // ddpm: diffusion -> autograd; unet -> layer, diffusion; sampler -> diffusion;
  // training -> data, diffusion, optim, checkpoint.

  @ArchTest
  static final ArchRule data =
      no("dev.gatun.ddpm.data..")
          .mayKnow(in("ddpm", "diffusion", "unet", "sampler", "training", "metric"));

  @ArchTest
  static final ArchRule diffusion =
      no("dev.gatun.ddpm.diffusion..")
          .mayKnow(in("ddpm", "data", "unet", "sampler", "training", "metric"));

  @ArchTest
  static final ArchRule diffusionKnowsNoLayers =
      no("dev.gatun.ddpm.diffusion..").mayKnow(in("nn", "layer", "optim", "checkpoint"));

  @ArchTest
  static final ArchRule unet =
      no("dev.gatun.ddpm.unet..").mayKnow(in("ddpm", "data", "sampler", "training", "metric"));

  @ArchTest
  static final ArchRule sampler =
      no("dev.gatun.ddpm.sampler..").mayKnow(in("ddpm", "data", "unet", "training", "metric"));

  @ArchTest
  static final ArchRule samplerKnowsNoLayers =
      no("dev.gatun.ddpm.sampler..").mayKnow(in("nn", "layer", "optim", "checkpoint"));

  @ArchTest
  static final ArchRule training =
      no("dev.gatun.ddpm.training..").mayKnow(in("ddpm", "unet", "sampler", "metric"));

  private static String[] in(String module, String... packages) {
    return Arrays.stream(packages)
        .map(p -> "dev.gatun." + module + "." + p + "..")
        .toArray(String[]::new);
  }

  private static Knower no(String... packages) {
    return new Knower(packages);
  }

  private record Knower(String... packages) {
    ArchRule mayKnow(String... others) {
      return noClasses()
          .that()
          .resideInAnyPackage(packages)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(others)
          .allowEmptyShould(true);
    }
  }
}
