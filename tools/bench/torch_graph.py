# SPDX-License-Identifier: Apache-2.0
"""A PyTorch module of the nodes that onnx_export.py saved: needs numpy and PyTorch, nothing else.

The nodes become an FX graph over ordinary modules (Conv2d, BatchNorm2d, Linear...), whose generated Python is
what one would write by hand, and which torch.compile traces like any other. Weights are copied in; channels
are last in memory, as PyTorch advises for convolutions on CPUs.
"""
import json

import numpy as np
import torch
import torch.fx
from torch import nn
from torch.nn import functional as F


def tensor(array):
    return torch.from_numpy(np.ascontiguousarray(array))


class Builder:
    def __init__(self, path):
        with np.load(path) as file:
            header = json.loads(file["graph"].tobytes())
            self.weights = {name: file[name] for name in file.files if name != "graph"}
        self.root, self.graph, self.values = nn.Module(), torch.fx.Graph(), {}
        self.values["x"] = self.graph.placeholder("x")
        for node in header["nodes"]:
            given = [name if name in self.values else self.weights[name] for name in node["inputs"]]
            self.values[node["output"]] = getattr(self, node["op"])(node["output"], given, node["attributes"])
        self.graph.output(self.values[header["output"]])

    def module(self):
        return torch.fx.GraphModule(self.root, self.graph).eval().to(memory_format=torch.channels_last)

    def add(self, name, module, x):
        self.root.add_module(name, module)
        return self.graph.call_module(name, (self.values[x],))

    def padded(self, x, pads, value):
        """Input and symmetric padding: an uneven one is an operation of its own."""
        top, left, bottom, right = pads
        if (top, left) == (bottom, right):
            return self.values[x], (top, left)
        return self.graph.call_function(F.pad, (self.values[x], (left, right, top, bottom)), {"value": value}), (0, 0)

    def Conv(self, name, given, attributes):
        x, kernel, *bias = given
        x, padding = self.padded(x, attributes["pads"], 0.0)
        groups = attributes["groups"]
        module = nn.Conv2d(kernel.shape[1] * groups, kernel.shape[0], attributes["kernel"], attributes["strides"], padding, groups=groups, bias=bool(bias))
        module.weight.data = tensor(kernel)
        if bias:
            module.bias.data = tensor(bias[0])
        self.root.add_module(name, module)
        return self.graph.call_module(name, (x,))

    def BatchNormalization(self, name, given, attributes):
        x, gamma, beta, mean, variance = given
        module = nn.BatchNorm2d(len(gamma), eps=attributes["epsilon"])
        module.weight.data, module.bias.data, module.running_mean, module.running_var = map(tensor, (gamma, beta, mean, variance))
        return self.add(name, module, x)

    def Gemm(self, name, given, attributes):
        x, kernel, bias = given
        module = nn.Linear(*kernel.shape)
        module.weight.data, module.bias.data = tensor(kernel.T), tensor(bias)
        return self.add(name, module, x)

    def MaxPool(self, name, given, attributes):
        x, padding = self.padded(given[0], attributes["pads"], -float("inf"))
        self.root.add_module(name, nn.MaxPool2d(attributes["kernel"], attributes["strides"], padding))
        return self.graph.call_module(name, (x,))

    def AveragePool(self, name, given, attributes):
        x, padding = self.padded(given[0], attributes["pads"], 0.0)
        if padding == (0, 0) and any(attributes["pads"]):
            raise RuntimeError("an average pooling with uneven padding has no PyTorch module")
        self.root.add_module(name, nn.AvgPool2d(attributes["kernel"], attributes["strides"], padding, count_include_pad=False))
        return self.graph.call_module(name, (x,))

    def GlobalAveragePool(self, name, given, attributes):
        return self.add(name, nn.AdaptiveAvgPool2d(1), given[0])

    def Flatten(self, name, given, attributes):
        return self.add(name, nn.Flatten(), given[0])

    def Relu(self, name, given, attributes):
        return self.add(name, nn.ReLU(inplace=True), given[0])

    def Relu6(self, name, given, attributes):
        return self.add(name, nn.ReLU6(inplace=True), given[0])

    def Swish(self, name, given, attributes):
        return self.add(name, nn.SiLU(inplace=True), given[0])

    def Sigmoid(self, name, given, attributes):
        return self.add(name, nn.Sigmoid(), given[0])

    def Softmax(self, name, given, attributes):
        return self.add(name, nn.Softmax(1), given[0])

    def Concat(self, name, given, attributes):
        return self.graph.call_function(torch.cat, ([self.values[x] for x in given], 1))

    def binary(self, name, given, function):
        arguments = []
        for i, value in enumerate(given):
            if isinstance(value, str):
                arguments.append(self.values[value])
            else:
                self.root.register_buffer(f"{name}_{i}", tensor(value))
                arguments.append(self.graph.get_attr(f"{name}_{i}"))
        return self.graph.call_function(function, tuple(arguments))

    def Add(self, name, given, attributes):
        return self.binary(name, given, torch.add)

    def Mul(self, name, given, attributes):
        return self.binary(name, given, torch.mul)
