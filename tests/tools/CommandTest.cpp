// SPDX-License-Identifier: Apache-2.0
//
// The `cornet` command from outside: every verb on a small network, and every kind of bad input,
// which must end with a sentence, the documented exit code and no output file.
#include "Command.h"

#include <fstream>

namespace cornet::cli {
namespace {

class Command : public CommandTest {
protected:
  static std::string digits() { return CORNET_SOURCE_DIR "/models/digits/digits.keras"; }

  static void SetUpTestSuite() {
    good("compile " + digits() + " -o d.cornet --batch 1,4");
    Array images(DType::F32, {5, 8, 8, 1});
    for (size_t i = 0; i < 320; ++i)
      reinterpret_cast<float *>(images.bytes.data())[i] = float(i * 37 % 17) / 16;
    writeNpy((folder() / "x.npy").string(), images);
  }
};

TEST_F(Command, OneSourceMayDefineSeveralModels) {
  std::ofstream(folder() / "pair.cpp")
      << "#include <cornet/cornet.h>\nusing namespace cornet;\n"
         "static Model stack(int64_t units) { return Sequential({8}, {Dense({.units = units})}); "
         "}\n"
         "CORNET_MODEL(first) { return stack(3); }\nCORNET_MODEL(second) { return stack(5); }\n";
  EXPECT_NE(good("models pair.cpp:second").find("(None, 5)"), std::string::npos);
  EXPECT_NE(good("compile pair.cpp:first").find("first.cornet"), std::string::npos);
  for (const auto &[argument, says] :
       {std::pair("pair.cpp", "several models; name one of them after a colon"),
        std::pair("pair.cpp:third", "no model 'third'; it has: first, second"),
        std::pair("gone.cpp:first", "gone.cpp: no such file")}) {
    Outcome outcome = run(std::string("compile ") + argument);
    EXPECT_EQ(outcome.code, 1) << argument;
    EXPECT_NE(outcome.text.find(says), std::string::npos) << outcome.text;
  }
}

TEST_F(Command, EveryVerbWorks) {
  EXPECT_NE(good("--help").find("Exit codes"), std::string::npos);
  EXPECT_EQ(good("--version").substr(0, 2), "0.");
  for (const char *model : {"digits", "lenet", "mlp"})
    EXPECT_NE(good("models").find(model), std::string::npos);
  EXPECT_NE(good("compile " + digits() + " -o e.cornet --explain").find("contract"),
            std::string::npos);
  EXPECT_NE(
      good("compile digits --weights " + digits() + " -o w.cornet --batch 1,4").find("w.cornet"),
      std::string::npos);
  EXPECT_NE(
      good("compile " CORNET_SOURCE_DIR "/models/digits/model.cpp -o m.cornet").find("m.cornet"),
      std::string::npos);
  EXPECT_NE(good("compile digits --print-pipeline").find("cornet-form-dispatches"),
            std::string::npos);
  EXPECT_NE(good("compile digits --print-module").find("cornet.conv"), std::string::npos);
  EXPECT_NE(good("compile digits --print-plan").find("plan.step"), std::string::npos);
  good("import " + digits() + " -o d.mlir");
  good("compile d.mlir -o f.cornet --batch 1,4");
  EXPECT_EQ(readFile((folder() / "d.cornet").string()), readFile((folder() / "f.cornet").string()))
      << "by way of a module";
  EXPECT_NE(good("run d.cornet --self-test").find("passed"), std::string::npos);
  good("run d.cornet x.npy --output y.npy");
  EXPECT_EQ(readNpy((folder() / "y.npy").string()).shape, (std::vector<int64_t>{5, 10}));
  good("run w.cornet x.npy --output z.npy");
  EXPECT_EQ(readFile((folder() / "y.npy").string()), readFile((folder() / "z.npy").string()))
      << "the same weights by --weights";
  good("run d.cornet x.npy --output y.npz"), good("run d.cornet x.npy --output y.csv");
  write("labels.csv", "1\n2\n3\n4\n5\n");
  EXPECT_EQ(json("evaluate d.cornet x.npy --labels labels.csv")["samples"], 5);
  EXPECT_GT(json("bench d.cornet --calls 10")["medianNs"], 0);
  EXPECT_EQ(json("bench d.cornet --calls 10 --threads 2 --batch 4")["batch"], 4);
  EXPECT_NE(good("inspect d.cornet --steps").find("predicted peak"), std::string::npos);
  EXPECT_EQ(json("inspect d.cornet")["model"], "digits");
  good("profile d.cornet --trace trace.json --calls 3");
  EXPECT_FALSE(Json::parse(readFile((folder() / "trace.json").string()))["traceEvents"].empty());
  EXPECT_NE(good("doctor").find("LLVM"), std::string::npos);
  write("completion.sh", good("completion"));
  EXPECT_EQ(std::system(("bash -n '" + (folder() / "completion.sh").string() + "'").c_str()), 0);
  for (const char *verb : {"compile", "train", "run", "evaluate", "bench", "profile", "inspect",
                           "import", "models", "doctor", "completion"})
    EXPECT_NE(good(std::string(verb) + " --help").find("Usage: cornet"), std::string::npos);
}

TEST_F(Command, OutputsOfOperationsHaveNames) {
  std::string file = CORNET_SOURCE_DIR "/tests/keras/indices.";
  good("compile " + file + "keras -o i.cornet");
  auto find = [](const NamedArrays &arrays, const std::string &name) {
    for (const auto &[key, array] : arrays)
      if (key == name)
        return array.bytes;
    return decltype(Array::bytes)();
  };
  NamedArrays wanted = readNpz(file + "npz");
  ASSERT_EQ(wanted[0].first, "input0");
  writeNpy((folder() / "i.npy").string(), wanted[0].second);
  good("run i.cornet i.npy -o outputs.npz");
  NamedArrays outputs = readNpz((folder() / "outputs.npz").string());
  EXPECT_EQ(outputs.size(), 5u);
  EXPECT_EQ(find(outputs, "output_2"), find(wanted, "output2"));
}

TEST_F(Command, PrecisionIsAChoice) {
  std::string told = good("compile " + digits() + " --precision bf16 -o b.cornet --explain");
  EXPECT_NE(told.find("b.cornet: bf16, "), std::string::npos) << told;
  EXPECT_NE(told.find("conv + add + relu -> 1x8x8x16 bf16"), std::string::npos) << told;
  EXPECT_NE(good("run b.cornet --self-test").find("passed"), std::string::npos);
  EXPECT_EQ(json("inspect b.cornet --no-measure")["provenance"]["precision"], "bf16");
  EXPECT_EQ(json("inspect d.cornet --no-measure")["provenance"]["precision"], "fp32");
  EXPECT_NE(told.find("error against fp32: 0.0"), std::string::npos) << told;
  EXPECT_EQ(good("compile " + digits() + " -o d.cornet").find("error against"), std::string::npos);
  nlohmann::json error = json("compile " + digits() + " --precision fp16 -o h.cornet")["error"];
  EXPECT_GT(error["relative"].get<double>(), 0);
  EXPECT_LT(error["relative"].get<double>(), 0x1p-9);
  EXPECT_GT(error["cosine"].get<double>(), 0.99999);
  EXPECT_EQ(error["agreed"], error["rows"]);
  EXPECT_EQ(error["notFinite"], 0);
  EXPECT_NE(good("compile digits --precision bf16 --print-pipeline")
                .find("cornet-form-dispatches,cornet-lower-precision{type=bf16}"),
            std::string::npos);
}

TEST_F(Command, InspectTellsWhatIsKeptInF32) {
  good("compile " + digits() + " --precision bf16 -o b.cornet");
  nlohmann::json plan = json("inspect b.cornet --no-measure")["entries"][0]["plans"][0];
  nlohmann::json kept = plan["precision"]["kept"];
  ASSERT_EQ(kept.size(), 2u) << kept;
  EXPECT_EQ(kept[0]["why"], "read by softmax");
  EXPECT_EQ(kept[1]["why"], "softmax");
  EXPECT_EQ(plan["precision"]["narrow"], plan["steps"].size() - 2);
  std::string told = good("inspect b.cornet --no-measure");
  EXPECT_NE(told.find("steps store 16 bits, 2 are kept in f32"), std::string::npos) << told;
  EXPECT_NE(told.find("softmax\n"), std::string::npos) << told;
  EXPECT_EQ(good("inspect d.cornet --no-measure").find("16 bits"), std::string::npos);
}

TEST_F(Command, ModelsWithDtypePoliciesCompileToTheirPrecision) {
  std::string mixed = CORNET_SOURCE_DIR "/tests/keras/mixed.keras";
  EXPECT_NE(good("compile " + mixed + " -o m.cornet").find("m.cornet: bf16, "), std::string::npos);
  EXPECT_NE(good("run m.cornet --self-test").find("passed"), std::string::npos);
  EXPECT_NE(good("compile " + mixed + " --print-pipeline").find("lower-precision{type=bf16}"),
            std::string::npos);
  EXPECT_NE(good("compile " + mixed + " -o m.cornet --precision fp32").find("m.cornet: fp32, "),
            std::string::npos);
}

TEST_F(Command, TheReadmesExampleWorks) {
  std::string readme = readFile(CORNET_SOURCE_DIR "/README.md");
  size_t begin = readme.find("```cpp\n");
  ASSERT_NE(begin, std::string::npos);
  begin += 7;
  write("gate.cpp", readme.substr(begin, readme.find("```", begin) - begin));
  good("compile gate.cpp --explain");
  EXPECT_NE(good("run gate.cornet --self-test").find("passed"), std::string::npos);
}

TEST_F(Command, TuningWritesWhatItMeasures) {
  std::string told =
      good("compile digits -o t.cornet --tune=2 --tuning choices.txt --tune-log log.txt");
  EXPECT_NE(told.find("kinds of steps for"), std::string::npos) << told;
  std::string choices = readFile((folder() / "choices.txt").string());
  EXPECT_NE(choices.find("conv 1x"), std::string::npos) << choices;
  EXPECT_NE(choices.find(" us\n"), std::string::npos) << choices;
  EXPECT_NE(readFile((folder() / "log.txt").string()).find(" us\n"), std::string::npos);
  EXPECT_NE(good("run t.cornet --self-test").find("passed"), std::string::npos);
  bool tuned = false;
  nlohmann::json compiled = json("compile digits -o t.cornet --tuning choices.txt");
  for (const nlohmann::json &step : compiled["steps"])
    tuned |= step["chosenBy"] == "tuned";
  EXPECT_TRUE(tuned);
  good("compile digits -o 1.cornet --tuning choices.txt"),
      good("compile digits -o 2.cornet --tuning choices.txt");
  EXPECT_EQ(readFile((folder() / "1.cornet").string()), readFile((folder() / "2.cornet").string()));
  compiled = json("compile digits -o t.cornet --no-tuning");
  for (const nlohmann::json &step : compiled["steps"])
    EXPECT_TRUE(step["chosenBy"] == "model" || step["chosenBy"] == "") << step;
}

TEST_F(Command, CompilingTwiceGivesTheSameBytes) {
  good("compile lenet -o 1.cornet --batch 1,8 --cpu x86-64-v3,x86-64-v4 --threads 1");
  good("compile lenet -o 2.cornet --batch 1,8 --cpu x86-64-v3,x86-64-v4 --threads 2");
  EXPECT_EQ(readFile((folder() / "1.cornet").string()), readFile((folder() / "2.cornet").string()));
}

TEST_F(Command, BadInputEndsWithASentence) {
  fs::create_directory(folder() / "folder.keras");
  write("empty.keras", ""), write("empty.h5", ""), write("empty.npy", ""),
      write("garbage.mlir", "garbage");
  std::string keras = readFile(digits()), artifact = readFile((folder() / "d.cornet").string()),
              npy = readFile((folder() / "x.npy").string());
  write("cut.keras", keras.substr(0, keras.size() / 2)),
      write("cut.cornet", artifact.substr(0, 5000)), write("cut.npy", npy.substr(0, 300));
  write("cut.h5", readFile(CORNET_SOURCE_DIR "/tests/keras/residual.h5").substr(0, 4000));
  artifact[artifact.size() / 2] ^= 1, artifact[70] ^= 1;
  write("damaged.cornet", artifact);
  write("ragged.csv", "1,2,3\n4,5\n"), write("words.csv", "1,2\n3,four\n"),
      write("short.csv", "1,2,3\n");
  write("not.png", "\x89PNG\r\n\x1a\nnothing"), write("not.jpg", "\xff\xd8\xffnothing"),
      write("text.png", "hello");
  write("syntax.cpp", "int x = ;\n"), write("none.cpp", "int x = 1;\n");
  write("wrong.cpp", "#include <cornet/cornet.h>\nusing namespace cornet;\nCORNET_MODEL(wrong) {\n "
                     " return Sequential({8}, {Dense({.units = 0}),\n"
                     "    Conv2D({.filters = 3, .padding = \"full\"})});\n}\n");
  const Bad rows[] = {
      {"", 2, {"subcommand is required"}},
      {"frobnicate", 2, {"--help"}},
      {"compile", 2, {"model is required"}},
      {"compile digits --batch x", 2, {"--batch"}},
      {"compile digits --nonsense", 2, {"--nonsense"}},
      {"compile nope", 1, {"nope", "the zoo has", "digits"}},
      {"compile nope.keras", 1, {"nope.keras: no such file"}},
      {"compile folder.keras", 1, {"folder.keras", "not a file"}},
      {"compile empty.keras", 1, {"empty.keras", "not a .keras archive"}},
      {"compile cut.keras", 1, {"cut.keras", "not a .keras archive"}},
      {"compile empty.h5", 1, {"empty.h5", "not a readable HDF5"}},
      {"compile cut.h5", 1, {"cut.h5", "HDF5"}},
      {"compile garbage.mlir", 1, {"garbage.mlir", "not a valid module"}},
      {"compile d.cornet", 1, {"is compiled already"}},
      {"compile digits --tune=soon", 1, {"--tune=soon", "as in --tune=120"}},
      {"compile digits --tune=-3", 1, {"--tune=-3", "a number above 0"}},
      {"compile digits --tune=1 --no-tuning", 1, {"exclude each other"}},
      {"compile digits --tuning none.txt", 1, {"none.txt", "--tune"}},
      {"compile digits --tune=1 --cpu armv8-a", 1, {"cannot run kernels of the level armv8-a"}},
      {"compile syntax.cpp -o no.cornet", 1, {"syntax.cpp:1", "could not build it"}},
      {"compile none.cpp -o no.cornet", 1, {"defines no model"}},
      {"compile wrong.cpp -o no.cornet",
       1,
       {"wrong.cpp:4: error: 'dense': units must be positive",
        "wrong.cpp:5: error: 'conv2d': padding is 'full'"}},
      {"compile digits --batch 0 -o no.cornet", 1, {"--batch 0"}},
      {"compile digits --cpu pentium -o no.cornet", 1, {"unknown cpu 'pentium'", "x86-64-v4"}},
      {"compile digits --precision fp7 -o no.cornet", 1, {"unknown precision 'fp7'", "bf16"}},
      {"compile digits --precision bf16 --pipeline training-cpu -o no.cornet",
       1,
       {"belongs to the pipeline inference-cpu"}},
      {"compile digits --pipeline nonsense -o no.cornet", 1, {"neither a known name"}},
      {"compile digits --load-pass-plugin nope.so -o no.cornet", 1, {"nope.so", "pass plug-in"}},
      {"compile mlp --weights " CORNET_SOURCE_DIR "/models/digits/digits.keras -o no.cornet",
       1,
       {"has 9 weights", "'mlp' has 4"}},
      {"compile digits -o /no/such/folder/no.cornet",
       1,
       {"/no/such/folder/no.cornet", "No such file"}},
      {"run nope.cornet", 1, {"nope.cornet: no such file"}},
      {"run cut.cornet x.npy", 1, {"cut.cornet", "compile the model again"}},
      {"run damaged.cornet x.npy", 1, {"damaged.cornet", "compile the model again"}},
      {"run d.cornet", 1, {"no data for input image"}},
      {"run d.cornet nope.npy", 1, {"nope.npy", "No such file"}},
      {"run d.cornet empty.npy", 1, {"empty.npy"}},
      {"run d.cornet cut.npy --output no.npy", 1, {"cut.npy"}},
      {"run d.cornet labels=x.npy", 1, {"labels"}},
      {"run d.cornet ragged.csv", 1, {"ragged.csv:2"}},
      {"run d.cornet words.csv", 1, {"words.csv:2", "four"}},
      {"run d.cornet short.csv", 1, {"short.csv", "does not fit input image"}},
      {"run d.cornet not.png", 1, {"not.png", "PNG"}},
      {"run d.cornet not.jpg", 1, {"not.jpg", "JPEG"}},
      {"run d.cornet text.png", 1, {"text.png", "neither"}},
      {"run d.cornet x.npy --output /no/such/folder/no.npy", 1, {"/no/such/folder/no.npy"}},
      {"run d.cornet x.npy --entry train", 1, {"train"}},
      {"evaluate d.cornet x.npy --labels x.npy", 1, {"labels of shape"}},
      {"bench d.cornet --threads 0", 2, {"--threads"}},
      {"inspect empty.keras", 1, {"empty.keras"}},
      {"import d.cornet", 1, {"d.cornet"}},
  };
  expectBad(rows);
  for (const auto &entry : fs::directory_iterator(folder()))
    EXPECT_FALSE(entry.path().filename().string().starts_with("no."))
        << entry.path() << " was left behind";
  EXPECT_EQ(json("run nope.cornet")["exitCode"], 1);
}

} // namespace
} // namespace cornet::cli
