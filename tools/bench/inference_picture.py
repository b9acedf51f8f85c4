# SPDX-License-Identifier: Apache-2.0
"""A picture of what tools/bench/inference_peers.py measured: each system's time by Cornet's, on a logarithmic
axis, one panel for each precision, batch and thread count. Above 1, Cornet is faster."""
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402


def draw(results, titles, path):
    groups = list(dict.fromkeys((case["precision"], case["batch"], case["threads"]) for case in results["cases"]))
    figure, panels = plt.subplots(len(groups), 1, figsize=(11, 3.2 * len(groups)), squeeze=False, constrained_layout=True)
    colours = plt.get_cmap("tab10")
    for panel, group in zip(panels[:, 0], groups):
        cases = [case for case in results["cases"] if (case["precision"], case["batch"], case["threads"]) == group]
        cases = [case for case in cases if "seconds" in case["systems"].get("cornet", {})]
        systems = [system for system in titles if any("seconds" in case["systems"].get(system, {}) for case in cases)]
        width = 0.8 / max(len(systems), 1)
        for i, system in enumerate(systems):
            at = [(place, case["systems"][system]["seconds"] / case["systems"]["cornet"]["seconds"])
                  for place, case in enumerate(cases) if "seconds" in case["systems"].get(system, {})]
            places = [place + (i - (len(systems) - 1) / 2) * width for place, _ in at]
            panel.bar(places, [value - 1 for _, value in at], width * 0.9, bottom=1, color=colours(list(titles).index(system)), label=titles[system])
        panel.axhline(1, color=colours(0), linewidth=1.5)
        panel.set_yscale("log")
        panel.set_xticks(range(len(cases)), [f"{case['model']}\n{case['systems']['cornet']['seconds'] * 1e3:.3g} ms" for case in cases])
        threads = group[2]
        panel.set_title(f"{group[0]}, batch {group[1]}, {threads} thread{'s' if threads > 1 else ''}", loc="left", fontsize=10)
        panel.set_ylabel("time / Cornet's")
        panel.grid(axis="y", which="both", alpha=0.25)
    figure.legend(*panels[0, 0].get_legend_handles_labels(), ncols=9, fontsize=8, loc="outside lower center")
    figure.suptitle(f"Inference on {results['cpu']}: above the line, Cornet is faster", fontsize=11)
    figure.savefig(path, dpi=150)
