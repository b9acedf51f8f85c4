# SPDX-License-Identifier: Apache-2.0
"""Tables of what tools/bench/inference_peers.py measured: one for each case, and all cases in one."""
import math


COLUMNS = """
Columns: the ratio is Cornet's median to the system's; CPU is the processor's time of a call, of all threads, which a
busy machine disturbs least. load, + first, process: milliseconds in a fresh process, warm file cache: opening the network
(what ONNX Runtime calls a session), with the first call, and since exec: for Cornet a C++ program on its runtime
alone, for others Python and their import, nothing subtracted. peak: highest resident memory of that process, mapped
files included; increase: over what it had before the network was opened. compile: Cornet from an empty cache of
kernels and from a full one; torch.compile's load and first call, without and with its cache on disk; IREE's compiler.
Others compile while they load."""


def describe(case):
    threads = case["threads"]
    return f"{case['model']}, batch {case['batch']}, {threads} thread{'s' if threads > 1 else ''}, {case['precision']}"


def ms(seconds):
    value = seconds * 1e3
    return f"{value:.4f}" if value < 0.1 else f"{value:.3f}" if value < 10 else f"{value:.1f}"


def mb(size):
    return f"{size / 1e6:.1f}"


def best(result):
    """The fastest peer that was measured, and its entry."""
    peers = [(system, entry) for system, entry in result["systems"].items() if system != "cornet" and "seconds" in entry]
    return min(peers, key=lambda peer: peer[1]["seconds"], default=None)


def ratio(result):
    """Cornet's time by the best peer's; None where one is missing."""
    peer, own = best(result), result["systems"].get("cornet", {})
    return own["seconds"] / peer[1]["seconds"] if peer and "seconds" in own else None


def show(result, titles, say):
    say(f"\n{describe(result)}, {result['rounds']} rounds")
    say(f"  {'system':18} {'median ms':>9} {'least ms':>9} {'CPU ms':>9} {'ratio':>6} {'calls':>6} {'cosine':>11} {'error':>8}"
        f" | {'load ms':>9} {'+ first':>9} {'process':>9} | {'peak MB':>8} {'increase':>8} {'file MB':>8} | {'compile s':>9} {'cached s':>8}")
    own = result["systems"].get("cornet", {}).get("seconds")
    for system, entry in result["systems"].items():
        if "error" in entry:
            say(f"  {titles[system]:18} {'-':>9}  not measured: {entry['error']}")
            continue
        against = f"{own / entry['seconds']:.2f}" if own else "-"
        compiled = "".join(f" {entry[key]:{width}.2f}" if key in entry else f" {'-':>{width}}"
                           for key, width in (("compile_seconds", 9), ("compile_cached", 8)))
        say(f"  {titles[system]:18} {ms(entry['seconds']):>9} {ms(entry['least']):>9} {ms(entry['cpu']):>9} {against:>6} {entry['calls']:6}"
            f" {entry['cosine']:11.8f} {entry['difference']:8.1e} | {ms(entry['load']):>9} {ms(entry['load'] + entry['first']):>9} {ms(entry['whole']):>9}"
            f" | {mb(entry['peak']):>8} {mb(entry['peak'] - entry['before']):>8} {mb(entry['file_bytes']):>8} |{compiled}")


def summary(results, titles, say):
    say(COLUMNS)
    systems = [system for system in titles if any(system in case["systems"] for case in results["cases"])]
    say("\nMedian ms a call; the ratio is Cornet's to the best peer's: below 1, Cornet is faster")
    say(f"  {'':45}" + "".join(f"{titles[system]:>15}" for system in systems) + f"{'ratio':>7}")
    for case in results["cases"]:
        cells = [case["systems"].get(system, {}) for system in systems]
        found = ratio(case)
        say(f"  {describe(case):45}" + "".join(f"{ms(cell['seconds']) if 'seconds' in cell else '-':>15}" for cell in cells)
            + (f"{found:7.2f}" if found else f"{'-':>7}"))
    say("\nGeometric means over the networks of Cornet's time by a peer's, and by the best peer's of each")
    for group in dict.fromkeys((case["precision"], case["batch"], case["threads"]) for case in results["cases"]):
        cases = [case for case in results["cases"] if (case["precision"], case["batch"], case["threads"]) == group]
        text = f"{group[0]}, batch {group[1]}, {group[2]} thread{'s' if group[2] > 1 else ''}"
        means = [mean(relative(case, system) for case in cases) for system in systems]
        say(f"  {text:45}" + "".join(f"{cell:>15}" for cell in means) + f"{mean(map(ratio, cases)).partition(' ')[0]:>7}")


def relative(case, system):
    """Cornet's time by this system's; None where one is missing."""
    own, other = (case["systems"].get(name, {}).get("seconds") for name in ("cornet", system))
    return own / other if own and other else None


def mean(ratios):
    """The geometric mean and how many networks are in it."""
    values = [value for value in ratios if value]
    return f"{math.exp(sum(map(math.log, values)) / len(values)):.2f} ({len(values)})" if values else "-"
