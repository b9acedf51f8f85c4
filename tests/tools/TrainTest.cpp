// SPDX-License-Identifier: Apache-2.0
//
// `cornet train` from outside: models with layers, artifacts with the runtime alone, both giving
// the same bits; training that is interrupted; and what is given wrong.
#include "Command.h"

#include "Program.h"

#include <random>

namespace cornet::cli {
namespace {

class Train : public CommandTest {
protected:
  /// 96 pictures: ten patterns with noise.
  static void SetUpTestSuite() {
    std::mt19937 bits(7);
    auto uniform = [&] { return float(bits() >> 8) / float(1 << 24); };
    std::vector<float> patterns(640), cells, sizes;
    std::vector<int32_t> labels, kinds;
    for (float &cell : patterns)
      cell = uniform();
    for (int row = 0; row < 96; ++row) {
      int label = int(bits() % 10);
      labels.push_back(label), kinds.push_back(label % 3), sizes.push_back(float(label) / 10);
      for (size_t i = 0; i < 64; ++i)
        cells.push_back(patterns[size_t(label) * 64 + i] + 0.2f * uniform());
    }
    Array x = Array::of<float>({96, 8, 8, 1}, cells), y = Array::of<int32_t>({96}, labels);
    auto path = [](const char *name) { return (folder() / name).string(); };
    writeNpy(path("x.npy"), x), writeNpy(path("y.npy"), y);
    writeNpy(path("x90.npy"), x.slice(0, 90)), writeNpy(path("y90.npy"), y.slice(0, 90));
    writeCsv(path("y.csv"), y.reshaped({96, 1}));
    writeNpz(path("both.npz"),
             {{"kind", Array::of<int32_t>({96}, kinds)}, {"size", Array::of<float>({96}, sizes)}});
    // Untrained: its training is the device's.
    good("train digits x.npy --labels y.npy --epochs 0 --batch-size 32 -o fresh.cornet");
  }

  static std::string bytes(const char *name) { return readFile((folder() / name).string()); }
  /// What the artifact predicts, by its own weights or those of a state.
  static std::string predictions(const std::string &artifact, const std::string &more = "") {
    good("run " + artifact + " x.npy -o predicted.npy " + more);
    return bytes("predicted.npy");
  }
  static void expectFalling(const Json &document, size_t epochs) {
    const Json &loss = document["history"]["loss"];
    ASSERT_EQ(loss.size(), epochs) << document;
    EXPECT_LT(loss.back().get<double>(), 0.9 * loss.front().get<double>()) << document;
  }
  static std::vector<float> variable(const char *artifact, const std::string &name) {
    ProgramHandle program = openProgram((folder() / artifact).string());
    SessionHandle session = openSession(*program, 1);
    for (size_t i = 0; i < cornet_program_variable_count(program.get()); ++i) {
      cornet_variable_spec spec;
      check(cornet_program_variable(program.get(), i, &spec));
      auto *cells = static_cast<float *>(cornet_session_variable(session.get(), i));
      if (name == spec.name)
        return {cells, cells + spec.bytes / 4};
    }
    ADD_FAILURE() << artifact << " has no variable " << name;
    return {};
  }
};

TEST_F(Train, AModelLearnsAndIsKeptInEveryKindOfFile) {
  Json document =
      json("train digits x.npy --labels y.csv --epochs 6 --validation-split 0.25 "
           "--learning-rate 0.01 -o m.keras -o m.weights.h5 -o m.cornet --csv-log m.csv "
           "--tensorboard boards");
  expectFalling(document, 6);
  EXPECT_EQ(document["loss"][0], "sparse_categorical_crossentropy");
  EXPECT_EQ(document["history"]["val_accuracy"].size(), 6);
  EXPECT_EQ(document["epochs"].back(), 6);
  std::string table = bytes("m.csv");
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 7);
  EXPECT_TRUE(fs::exists(folder() / "boards" / "train"));
  std::string own = predictions("m.cornet");
  for (const char *file : {"m.keras", "m.weights.h5"}) {
    good(std::string("train digits x.npy --labels y.npy --epochs 0 --weights ") + file +
         " -o again.cornet");
    EXPECT_EQ(own, predictions("again.cornet")) << file;
  }
  // The same deployed: from the model itself, and from its definition and either file.
  std::string deployed = good("run m.keras x.npy");
  for (const char *file : {"m.keras", "m.weights.h5"}) {
    good(std::string("compile digits --weights ") + file + " -o deployed.cornet");
    EXPECT_EQ(good("run deployed.cornet x.npy"), deployed) << file;
  }
}

TEST_F(Train, ResumedTrainingGivesTheSameBits) {
  // 90 samples leave a last batch of 26.
  std::string command = "train digits x90.npy --labels y90.npy --validation-split 0.1 ";
  Json whole = json(command + "--epochs 4 -o whole.cornet");
  good(command + "--epochs 2 --checkpoint backup");
  Json rest = json(command + "--epochs 4 --checkpoint backup -o rest.cornet");
  EXPECT_EQ(rest["epochs"], Json({3, 4}));
  for (const char *log : {"loss", "accuracy", "val_loss"})
    for (size_t i : {0u, 1u})
      EXPECT_EQ(whole["history"][log][2 + i], rest["history"][log][i]) << log << i;
  EXPECT_EQ(bytes("whole.cornet"), bytes("rest.cornet"));
  EXPECT_NE(good(command + "--epochs 4 --checkpoint backup").find("raise --epochs"),
            std::string::npos);
}

TEST_F(Train, AnArtifactTrainsByTheRuntimeAloneToTheCompilersBits) {
  json("train digits x.npy --labels y.npy --epochs 3 --batch-size 32 --seed 5 -o whole.cornet");
  good("train digits x.npy --labels y.npy --epochs 0 --batch-size 32 --seed 5 -o seed.cornet");
  Json first = json("train seed.cornet x.npy --labels y.csv --epochs 1 --seed 5 --state s.state"),
       rest = json("train seed.cornet x.npy --labels y.npy --epochs 2 --seed 5 --state s.state");
  EXPECT_EQ(first["epochs"], Json({1}));
  EXPECT_EQ(rest["epochs"], Json({2, 3}));
  EXPECT_LT(rest["history"]["loss"][1], first["history"]["loss"][0]);
  EXPECT_EQ(predictions("whole.cornet"), predictions("seed.cornet", "--state s.state"));
  EXPECT_NE(predictions("seed.cornet"), predictions("seed.cornet", "--state s.state"));
  EXPECT_EQ(json("evaluate seed.cornet x.npy --labels y.npy --state s.state")["samples"], 96);
}

TEST_F(Train, AnArtifactTellsWhatItLeavesOut) {
  std::string text = good("train fresh.cornet x90.npy --labels y90.npy --state d.state "
                          "--validation-data x.npy --validation-labels y.npy --learning-rate 0.01");
  EXPECT_NE(text.find("26 of 90 samples are left out"), std::string::npos) << text;
  EXPECT_NE(text.find("val_loss"), std::string::npos) << text;
  expectFalling(json("train fresh.cornet x.npy --labels y.npy --epochs 8 --state d.state"), 8);
}

TEST_F(Train, InspectShowsWholeBatchesAndVariables) {
  Json document = json("inspect fresh.cornet --no-measure");
  for (const Json &entry : document["entries"])
    EXPECT_EQ(entry["whole"], entry["name"] != "predict") << entry["name"];
  EXPECT_EQ(document["variables"][0]["name"], "conv2d/kernel");
  std::string text = good("inspect fresh.cornet");
  EXPECT_NE(text.find("entry point train_step, takes whole batches"), std::string::npos);
  EXPECT_NE(text.find("optimizer/iterations"), std::string::npos);
}

TEST_F(Train, FineTuningSeveralOutputsAndFrozenLayers) {
  write("two.cpp", R"(#include <cornet/cornet.h>
using namespace cornet;
CORNET_MODEL(two) {
  Tensor image = Input({8, 8, 1}, {.name = "image"});
  Tensor x = Conv2D({.filters = 16, .kernel_size = 3, .padding = "same", .use_bias = false})(image);
  x = Flatten()(x);
  return Functional({image}, {Dense({.units = 3, .activation = "softmax", .name = "kind"})(x),
                              Dense({.units = 1, .name = "size"})(x)});
}
)");
  good("train digits x.npy --labels y.npy -o base.keras -o base.cornet");
  Outcome outcome = run("train two.cpp x.npy --labels both.npz --epochs 5 --weights base.keras "
                        "--weights-by-name --freeze 'conv*' -o two.cornet");
  ASSERT_EQ(outcome.code, 0) << outcome.text;
  for (const char *told :
       {"begin anew: kind, size", "1 layers stay as they are",
        "'kind' is sparse_categorical_crossentropy", "'size' is mean_squared_error", "size_loss"})
    EXPECT_NE(outcome.text.find(told), std::string::npos) << told << '\n' << outcome.text;
  EXPECT_EQ(variable("base.cornet", "conv2d/kernel"), variable("two.cornet", "conv2d/kernel"));
  std::vector<float> before = variable("two.cornet", "kind/kernel");
  good("train two.cpp x.npy --labels both.npz --epochs 0 -o zero.cornet");
  EXPECT_NE(variable("zero.cornet", "kind/kernel"), before);
}

TEST_F(Train, ClassesWeigh) {
  std::string weights = " --class-weight 0=0,1=0,2=0,3=0,4=0,5=0,6=0,7=0,8=0,9=0 ";
  good("train digits x.npy --labels y.npy --epochs 0 -o w.cornet" + weights);
  std::vector<float> start = variable("w.cornet", "dense/kernel");
  Json none = json("train digits x.npy --labels y.npy -o n.cornet" + weights);
  EXPECT_EQ(none["history"]["loss"][0], 0);
  EXPECT_EQ(variable("n.cornet", "dense/kernel"), start) << "nothing weighs, nothing moves";
  EXPECT_EQ(
      json("train w.cornet x.npy --labels y.npy --state w.state" + weights)["history"]["loss"][0],
      0);
  EXPECT_GT(json("train w.cornet x.npy --labels y.npy --state v.state")["history"]["loss"][0], 1);
}

TEST_F(Train, BadInputEndsWithASentence) {
  good("compile digits -o runs.cornet");
  good("train fresh.cornet x.npy --labels y.npy --state good.state");
  std::string state = bytes("good.state");
  write("cut.state", state.substr(0, state.size() / 2));
  state[state.size() / 2] ^= 1;
  write("damaged.state", state), write("empty.state", "");
  good("train digits x.npy --labels y.npy --optimizer sgd --epochs 0 -o other.cornet");
  good("train other.cornet x.npy --labels y.npy --state other.state");
  writeNpy((folder() / "y12.npy").string(), Array::of<int32_t>({96}, std::vector<int32_t>(96, 12)));
  const Bad rows[] = {
      {"train digits x.npy", 1, {"no labels for 'dense'", "--labels"}},
      {"train digits x.npy --labels y.npy --epochs -1", 2, {"--epochs"}},
      {"train digits x.npy --labels y.npy --weights-by-name", 2, {"--weights"}},
      {"train nope x.npy --labels y.npy", 1, {"the zoo has"}},
      {"train digits x.npy --labels nope.npy", 1, {"nope.npy"}},
      {"train digits x.npy --labels y90.npy -o no.keras", 1, {"y90.npy: 90 labels for 96 samples"}},
      {"train digits x.npy --labels y12.npy", 1, {"label 12 of sample 0", "from 0 to 9"}},
      {"train digits x.npy --labels y.npy --loss mse", 1, {"labels of shape (96)", "(96, 10)"}},
      {"train digits x.npy --labels y.npy --loss nope", 1, {"--loss", "nope", "known"}},
      {"train digits x.npy --labels y.npy --optimizer nope", 1, {"--optimizer", "nope", "adam"}},
      {"train digits x.npy --labels y.npy --metrics nope", 1, {"--metrics", "nope", "known"}},
      {"train digits x.npy --labels y.npy --freeze nope", 1, {"--freeze nope", "conv2d"}},
      {"train digits x.npy --labels y.npy --freeze '*'", 1, {"no weights left to train"}},
      {"train digits x.npy --labels y.npy --weights nope.keras", 1, {"nope.keras: no such file"}},
      {"train digits x.npy --labels y.npy --class-weight 0:2", 1, {"0:2", "CLASS=WEIGHT"}},
      {"train digits x.npy --labels y.npy -o no.onnx", 1, {"no.onnx", ".weights.h5"}},
      {"train digits x.npy --labels y.npy -o /no/such/no.keras", 1, {"there is no folder"}},
      {"train digits x.npy --labels y.npy --max-memory 1KB", 1, {"bytes"}},
      {"train digits x.npy --labels y.npy -o no.cornet --cpu pentium", 1, {"pentium"}},
      {"train digits x.npy --labels y.npy --state no.state", 1, {"--checkpoint"}},
      {"train digits x.npy --labels y.npy --validation-data x.npy", 1, {"--validation-labels"}},
      {"train runs.cornet x.npy --labels y.npy --state no.state", 1, {"no entry point train_step"}},
      {"train fresh.cornet x.npy --labels y.npy", 1, {"--state FILE"}},
      {"train fresh.cornet x.npy --labels y.npy --state no.state --loss mse", 1, {"--loss"}},
      {"train fresh.cornet x.npy --labels y90.npy --state no.state", 1, {"90 labels for 96"}},
      {"train fresh.cornet x.npy --labels y12.npy --state no.state", 1, {"label 12 of sample 0"}},
      {"train fresh.cornet x.npy --labels y.npy --state no.state --batch-size 7",
       1,
       {"batches of 32 rows, not of 7"}},
      {"train fresh.cornet x.npy --labels y.npy --state no.state --class-weight 0=2",
       1,
       {"--class-weight", "takes no weights"}},
      {"train fresh.cornet x.npy --labels y.npy --state cut.state", 1, {"cut.state"}},
      {"train fresh.cornet x.npy --labels y.npy --state damaged.state", 1, {"damaged.state"}},
      {"train fresh.cornet x.npy --labels y.npy --state other.state", 1, {"other.state"}},
      {"run fresh.cornet x.npy --state empty.state", 1, {"empty.state"}},
      {"run fresh.cornet x.npy --state nope.state", 1, {"nope.state"}},
      {"run runs.cornet x.npy --state good.state", 1, {"has no variables"}},
      {"evaluate fresh.cornet x.npy --labels y.npy --state cut.state", 1, {"cut.state"}},
  };
  expectBad(rows);
  for (const auto &entry : fs::directory_iterator(folder()))
    EXPECT_FALSE(entry.path().filename().string().starts_with("no."))
        << entry.path() << " was left behind";
  EXPECT_EQ(bytes("cut.state"), state.substr(0, state.size() / 2)) << "a bad state is left alone";
}

} // namespace
} // namespace cornet::cli
