#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What scikit-learn and Keras get on the data and the models of this folder: the numbers beside
Cornet's in the READMEs.

    python3 -m venv venv && venv/bin/pip install keras==3.15.1 'jax[cpu]' scikit-learn
    KERAS_BACKEND=jax venv/bin/python models/peers.py [NAME...]
"""
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "jax")
import numpy as np  # noqa: E402
from sklearn.kernel_approximation import RBFSampler  # noqa: E402
from sklearn.linear_model import LinearRegression, LogisticRegression  # noqa: E402
from sklearn.metrics import log_loss, mean_squared_error, r2_score, roc_auc_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.svm import SVC, LinearSVC  # noqa: E402

import data  # noqa: E402


def linear_regression():
    x, y, xTest, yTest = data.load("diabetes")
    fit = LinearRegression().fit(StandardScaler().fit(x).transform(x), y)
    guess = fit.predict(StandardScaler().fit(x).transform(xTest))
    trained = fit.predict(StandardScaler().fit(x).transform(x))
    print("  bias and weights", fit.intercept_.round(4), fit.coef_.round(4))
    print(f"  train mse {mean_squared_error(y, trained):.3f}, test mse {mean_squared_error(yTest, guess):.3f}, "
          f"r2 {r2_score(yTest, guess):.4f}")


def regression(name):
    x, y, xTest, yTest = data.load(name)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1, tol=1e-8, max_iter=10000)).fit(x, y)
    weights = model[-1].coef_
    loss = log_loss(y, model.predict_proba(x)) + (weights ** 2).sum() / (2 * len(x))
    print(f"  train loss {loss:.4f}, test accuracy {model.score(xTest, yTest):.4f}")
    if name == "breast_cancer":
        print(f"  auc {roc_auc_score(yTest, model.predict_proba(xTest)[:, 1]):.4f}")


def linear_svm():
    x, y, xTest, yTest = data.load("breast_cancer")
    C = 0.1
    model = make_pipeline(StandardScaler(), SVC(kernel="linear", C=C, tol=1e-8)).fit(x, y)
    f, w = model.decision_function(x), model[-1].coef_
    objective = np.maximum(0, 1 - (2 * y - 1) * f).mean() + (w ** 2).sum() / (2 * C * len(x))
    print(f"  objective {objective:.4f}, support vectors {model[-1].n_support_.sum()} of {len(x)}, "
          f"test accuracy {model.score(xTest, yTest):.4f}")


def kernel_svm():
    x, y, xTest, yTest = [part.reshape(len(part), -1) if part.ndim > 2 else part for part in data.load("digits")]
    C, gamma = 10, 0.25
    linear = LinearSVC(C=C, multi_class="crammer_singer", max_iter=100000).fit(x, y)
    print(f"  linear {linear.score(xTest, yTest):.4f}")
    features = RBFSampler(gamma=gamma, n_components=1024, random_state=1)
    approximate = make_pipeline(features, LinearSVC(C=C, multi_class="crammer_singer", max_iter=100000)).fit(x, y)
    print(f"  fourier {approximate.score(xTest, yTest):.4f}")
    exact = SVC(C=C, gamma=gamma).fit(x, y)
    print(f"  exact {exact.score(xTest, yTest):.4f}, support vectors {exact.n_support_.sum()}")


def gradient_descent():
    import keras
    x, y, _, _ = data.load("diabetes")
    x = StandardScaler().fit(x).transform(x)
    for size in (len(x), 32, 1):
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.Input((10,)), keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(0.002), "mse")
        model.fit(x, y, batch_size=size, epochs=30, verbose=0)
        print(f"  batch size {size}: mse after 30 epochs {model.evaluate(x, y, verbose=0):.1f}")


def classify(model, x, y, xTest, yTest, **fit):
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=32, verbose=0, **fit)
    return model.evaluate(xTest, yTest, verbose=0)[1]


def mlp():
    import keras
    from keras import layers
    for seed in (1, 2, 3):
        keras.utils.set_random_seed(seed)
        model = keras.Sequential([keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(128, "relu"),
                                  layers.Dropout(0.2), layers.Dense(64, "relu"), layers.Dense(10, "softmax")])
        stop = keras.callbacks.EarlyStopping(patience=10, restore_best_weights=True)
        accuracy = classify(model, *data.load("digits"), epochs=60, validation_split=0.1, callbacks=[stop])
        print(f"  seed {seed}: test accuracy {accuracy:.4f}")


def enlarged(x):
    """28 x 28, bilinear with half-pixel centres and repeated edges."""
    at = np.clip((np.arange(28) + 0.5) * 8 / 28 - 0.5, 0, 7)
    low = np.minimum(at.astype(int), 6)
    weights = np.zeros((28, 8), np.float32)
    weights[np.arange(28), low], weights[np.arange(28), low + 1] = 1 - (at - low), at - low
    return np.einsum("ih,nhwc,jw->nijc", weights, x, weights).astype(np.float32)


def lenet():
    import keras
    from keras import layers
    x, y, xTest, yTest = data.load("digits")
    for seed in (1, 2, 3):
        keras.utils.set_random_seed(seed)
        model = keras.Sequential([
            keras.Input((28, 28, 1)), layers.Conv2D(6, 5, padding="same", activation="relu"),
            layers.AveragePooling2D(2), layers.Conv2D(16, 5, activation="relu"), layers.AveragePooling2D(2),
            layers.Flatten(), layers.Dense(120, "relu"), layers.Dense(84, "relu"), layers.Dense(10, "softmax")])
        print(f"  seed {seed}: test accuracy {classify(model, enlarged(x), y, enlarged(xTest), yTest, epochs=20):.4f}")


def autoencoder():
    import keras
    from keras import layers
    from sklearn.decomposition import PCA
    x, _, xTest, _ = data.load("digits")
    for seed in (1, 2, 3):
        keras.utils.set_random_seed(seed)
        model = keras.Sequential([
            keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(64, "relu"), layers.Dense(8),
            layers.Dense(64, "relu"), layers.Dense(64, "sigmoid"), layers.Reshape((8, 8, 1))])
        model.compile("adam", "mse")
        model.fit(x, x, batch_size=32, epochs=100, verbose=0)
        print(f"  seed {seed}: test mse {model.evaluate(xTest, xTest, verbose=0):.5f}")
    pca = PCA(8).fit(x.reshape(-1, 64))
    flat = xTest.reshape(-1, 64)
    print(f"  8 principal components: test mse {((pca.inverse_transform(pca.transform(flat)) - flat) ** 2).mean():.5f}")


def gan():
    """Two compiled steps in turn: the discriminator's, then the generator's through it."""
    import keras
    from keras import layers
    x, y, xTest, _ = data.load("digits")
    keras.utils.set_random_seed(1)
    generator = keras.Sequential([keras.Input((16,)), layers.Dense(128, "relu"), layers.Dense(128, "relu"),
                                  layers.Dense(64, "sigmoid"), layers.Reshape((8, 8, 1))])
    discriminator = keras.Sequential([keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(128, "leaky_relu"),
                                      layers.Dropout(0.3), layers.Dense(1)])
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    discriminator.compile(keras.optimizers.Adam(1e-3, beta_1=0.5), loss)
    combined = keras.Sequential([generator, discriminator])
    random = np.random.default_rng(1)
    discriminator.trainable = False
    combined.compile(keras.optimizers.Adam(1e-3, beta_1=0.5), loss)
    discriminator.trainable = True
    for _ in range(200):
        order = random.permutation(len(x))[:len(x) // 64 * 64].reshape(-1, 64)
        for rows in order:
            noise = random.normal(size=(64, 16)).astype(np.float32)
            both = np.concatenate([x[rows], np.asarray(generator(noise))])
            discriminator.trainable = True
            discriminator.train_on_batch(both, np.repeat([[1.0], [0.0]], 64, axis=0))
            discriminator.trainable = False
            combined.train_on_batch(noise, np.ones((64, 1)))
    for name, made in ("held-out", xTest), ("generated", generator.predict(random.normal(size=(256, 16)), verbose=0)):
        distances = np.linalg.norm(made.reshape(-1, 1, 64) - x.reshape(1, -1, 64), axis=2)
        print(f"  {name}: distance {distances.min(1).mean():.3f}, digits {len(set(y[distances.argmin(1)]))}")


PEERS = {"linear_regression": linear_regression,
         "logistic_regression": lambda: regression("breast_cancer"),
         "softmax_regression": lambda: regression("wine"),
         "linear_svm": linear_svm, "kernel_svm": kernel_svm, "gradient_descent": gradient_descent,
         "mlp": mlp, "lenet": lenet, "autoencoder": autoencoder, "gan": gan}

if __name__ == "__main__":
    for name in sys.argv[1:] or PEERS:
        print(name, flush=True)
        PEERS[name]()
