# SPDX-License-Identifier: Apache-2.0
"""A Keras functional model as a small graph of ONNX-like nodes, channels first, and as an ONNX model.

The graph is what the peers run: ONNX Runtime, OpenVINO and IREE as ONNX, PyTorch through torch_graph.py. It
is written so that each can be at its best: padding layers are folded into convolutions and poolings, a
Flatten permutes the weights after it instead of transposing, what inference drops is not there. Batch
normalizations stay nodes of their own, which the peers' own optimizers fold.

Nodes: Conv, BatchNormalization, Relu, Relu6, Sigmoid, Swish, Softmax, MaxPool, AveragePool, GlobalAveragePool,
Flatten, Gemm, Add, Mul, Concat; "x" is the image. Layers that are none of these are refused by name.
"""
import json

import numpy as np

ACTIVATIONS = {"relu": "Relu", "softmax": "Softmax", "sigmoid": "Sigmoid", "silu": "Swish", "relu6": "Relu6"}


class Graph:
    def __init__(self, model):
        self.nodes, self.weights, self.flat = [], {}, {}
        names = {id(model.inputs[0]): "x"}
        self.inputShape = list(model.inputs[0].shape[1:])
        for layer in model.layers:
            if type(layer).__name__ == "InputLayer":
                continue
            inputs = layer.input if isinstance(layer.input, list) else [layer.input]
            names[id(layer.output)] = self.layer(layer, [names[id(tensor)] for tensor in inputs])
        self.output, self.outputs = names[id(model.outputs[0])], model.outputs[0].shape[1]
        self.dropUnused()

    def node(self, op, inputs, **attributes):
        name = f"v{len(self.nodes)}"
        self.nodes.append({"op": op, "inputs": list(inputs), "output": name, "attributes": attributes})
        return name

    def weight(self, value):
        name = f"w{len(self.weights)}"
        self.weights[name] = np.ascontiguousarray(value, dtype="float32")
        return name

    def producer(self, name, op):
        """The node that computes `name`, if it is an `op`."""
        return next((node for node in self.nodes if node["output"] == name and node["op"] == op), None)

    def dropUnused(self):
        used = {self.output}
        for node in reversed(self.nodes):
            if node["output"] in used:
                used.update(node["inputs"])
        self.nodes = [node for node in self.nodes if node["output"] in used]

    def activate(self, activation, x):
        name = getattr(activation, "__name__", str(activation))
        if name == "linear":
            return x
        if name not in ACTIVATIONS:
            raise SystemExit(f"peers: the activation {name!r} has no node; add it to tools/bench/onnx_export.py")
        return self.node(ACTIVATIONS[name], [x])

    def window(self, layer, x, size):
        """Input and padding of a convolution or pooling, a padding layer before it taken in."""
        before = self.producer(x, "Pad")
        if layer.padding == "valid":
            pads = [0, 0, 0, 0]
        else:
            pairs = []
            for extent, kernel, stride in zip(layer.input.shape[1:3], size, layer.strides):
                total = max((-(-extent // stride) - 1) * stride + kernel - extent, 0)
                pairs.append((total // 2, total - total // 2))
            pads = [pairs[0][0], pairs[1][0], pairs[0][1], pairs[1][1]]
        if before:
            x, pads = before["inputs"][0], [a + b for a, b in zip(pads, before["attributes"]["pads"])]
        return x, {"kernel": list(size), "strides": list(layer.strides), "pads": pads}

    def layer(self, layer, inputs):
        kind, weights = type(layer).__name__, [np.asarray(w) for w in layer.get_weights()]
        x = inputs[0]
        if x in self.flat and kind not in ("Dense", "Dropout"):
            raise SystemExit(f"peers: {kind} '{layer.name}' after Flatten: only Dense may follow; extend tools/bench/onnx_export.py")
        if kind in ("Conv2D", "DepthwiseConv2D"):
            if tuple(layer.dilation_rate) != (1, 1) or getattr(layer, "groups", 1) != 1 or getattr(layer, "depth_multiplier", 1) != 1:
                raise SystemExit(f"peers: {kind} '{layer.name}' with dilation, groups or a multiplier is not exported")
            order, groups = ((3, 2, 0, 1), 1) if kind == "Conv2D" else ((2, 3, 0, 1), weights[0].shape[2])
            x, attributes = self.window(layer, x, layer.kernel_size)
            y = self.node("Conv", [x, self.weight(weights[0].transpose(order))] + [self.weight(b) for b in weights[1:]], groups=groups, **attributes)
            return self.activate(layer.activation, y)
        if kind == "BatchNormalization":
            channels = len(weights[-1])
            gamma = weights.pop(0) if layer.scale else np.ones(channels)
            beta = weights.pop(0) if layer.center else np.zeros(channels)
            return self.node("BatchNormalization", [x] + [self.weight(w) for w in (gamma, beta, *weights)], epsilon=layer.epsilon)
        if kind == "Activation":
            return self.activate(layer.activation, x)
        if kind == "ReLU":
            if layer.negative_slope or layer.threshold or layer.max_value not in (None, 6):
                raise SystemExit(f"peers: ReLU '{layer.name}' is neither relu nor relu6")
            return self.node("Relu" if layer.max_value is None else "Relu6", [x])
        if kind == "ZeroPadding2D":
            (top, bottom), (left, right) = layer.padding
            return self.node("Pad", [x], pads=[top, left, bottom, right])
        if kind in ("MaxPooling2D", "AveragePooling2D"):
            padded = self.producer(x, "Pad")
            if padded and not (kind == "MaxPooling2D" and self.producer(padded["inputs"][0], "Relu")):
                raise SystemExit(f"peers: {kind} '{layer.name}' after padding: zeros that are no maximum")
            x, attributes = self.window(layer, x, layer.pool_size)  # beside a relu's values, 0 and nothing are one
            return self.node(kind[:-len("ing2D")], [x], **attributes)
        if kind == "GlobalAveragePooling2D":
            return self.node("Flatten", [self.node("GlobalAveragePool", [x])])
        if kind == "Reshape":
            pooled = self.producer(x, "Flatten")
            if pooled and tuple(layer.target_shape[:2]) == (1, 1) and self.producer(pooled["inputs"][0], "GlobalAveragePool"):
                return pooled["inputs"][0]  # (N, C) to (N, 1, 1, C): what the pooling had
            raise SystemExit(f"peers: Reshape '{layer.name}' is exported after a global pooling only")
        if kind == "Flatten":
            y = self.node("Flatten", [x])
            if len(layer.input.shape) == 4:
                self.flat[y] = layer.input.shape[1:]
            return y
        if kind == "Dropout":
            return x
        if kind in ("Add", "Multiply"):
            return self.node("Add" if kind == "Add" else "Mul", inputs)
        if kind == "Concatenate":
            return self.node("Concat", inputs)
        if kind == "Dense":
            kernel = weights[0]
            if x in self.flat:
                kernel = kernel.reshape(*self.flat[x], -1).transpose(2, 0, 1, 3).reshape(kernel.shape)
            bias = weights[1] if layer.use_bias else np.zeros(kernel.shape[1])
            return self.activate(layer.activation, self.node("Gemm", [x, self.weight(kernel), self.weight(bias)]))
        if kind == "Rescaling":
            return self.affine(x, np.reshape(layer.scale, (1, -1, 1, 1)), np.reshape(layer.offset, (1, -1, 1, 1)))
        if kind == "Normalization":
            mean, deviation = (np.reshape(np.asarray(v), (1, -1, 1, 1)) for v in (layer.mean, np.sqrt(np.asarray(layer.variance))))
            return self.affine(x, 1 / np.maximum(deviation, 1e-7), -mean / np.maximum(deviation, 1e-7))
        raise SystemExit(f"peers: {kind} '{layer.name}' has no node; add it to tools/bench/onnx_export.py")

    def affine(self, x, scale, shift):
        y = self.node("Mul", [x, self.weight(scale)])
        return self.node("Add", [y, self.weight(shift)]) if np.any(shift) else y

    def save(self, path):
        """What torch_graph.py reads: the nodes as JSON beside the weights, in one .npz file."""
        header = {"nodes": self.nodes, "output": self.output}
        np.savez(path, graph=np.frombuffer(json.dumps(header).encode(), "uint8"), **self.weights)

    def onnx(self, batch):
        """An ONNX model of one batch size, NCHW."""
        from onnx import TensorProto, helper, numpy_helper
        nodes, weights = [], [numpy_helper.from_array(value, name) for name, value in self.weights.items()]
        if any(node["op"] == "Relu6" for node in self.nodes):
            weights += [numpy_helper.from_array(np.float32(value), name) for name, value in (("zero", 0), ("six", 6))]
        for node in self.nodes:
            op, inputs, output, given = node["op"], node["inputs"], node["output"], node["attributes"]
            attributes = {{"kernel": "kernel_shape", "groups": "group"}.get(key, key): value for key, value in given.items()}
            if op == "Swish":  # ONNX has it since opset 24, which few optimizers know
                nodes.append(helper.make_node("Sigmoid", inputs, [output + "s"]))
                op, inputs = "Mul", inputs + [output + "s"]
            elif op == "Relu6":
                op, inputs = "Clip", inputs + ["zero", "six"]
            elif op == "Concat":
                attributes["axis"] = 1
            nodes.append(helper.make_node(op, inputs, [output], **attributes))
        shape = self.inputShape[2:] + self.inputShape[:2] if len(self.inputShape) == 3 else self.inputShape
        graph = helper.make_graph(
            nodes, "peers", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, *shape])],
            [helper.make_tensor_value_info(self.output, TensorProto.FLOAT, [batch, self.outputs])], weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
