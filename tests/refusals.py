"""What the resources refuse: one table, held by the API server and by the models."""

from dataclasses import dataclass
from typing import Any

from tests.resources import REMOVED

FINER = ("spec.inference.schedule", "finer than the timeframe", "at most once a candle")
NO_SCHEDULE = ("spec.inference.schedule", "is not a cron schedule", "*/15 * * * *")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A change that makes the ten-line bot invalid."""

    name: str
    changes: dict[str, Any]
    words: tuple[str, ...]
    """What the API server's answer names: the field, and what to do."""
    known_to_python: bool = True
    """Whether the models can know it: they see neither the object's name nor the time zones."""


def _one(path: str, value: Any, *words: str, known: bool = True) -> Refusal:
    shown = "removed" if value is REMOVED else str(value)
    return Refusal(f"{path}={shown}"[:90], {path: value}, (path, *words), known)


def _schedule(timeframe: str, schedule: str, words: tuple[str, ...]) -> Refusal:
    changes = {"spec.timeframe": timeframe, "spec.inference.schedule": schedule}
    return Refusal(f"{schedule} at {timeframe}", changes, words)


IMAGE = "spec.images.training"
CPU = "spec.training.resources"

REFUSALS = (
    _one("spec.exchange", REMOVED, "Required value"),
    _one("spec.symbols", REMOVED, "Required value"),
    _one("spec.timeframe", REMOVED, "Required value"),
    _one("spec.mode", REMOVED, "Required value"),
    _one(IMAGE, "x:latest", "'x:latest' has the tag latest", "write a version"),
    _one(IMAGE, f"x:latest@sha256:{'a' * 64}", "has the tag latest", "write a version"),
    _one(IMAGE, "registry.example/x", "no tag and no digest", "add :<version>"),
    _one(IMAGE, "localhost:5000/x", "no tag and no digest", "add :<version>"),
    _one(IMAGE, "x:", "is not an image reference", "write registry/name:<version>"),
    _one(IMAGE, "Team/X:1", "is not an image reference", "write registry/name:<version>"),
    _one(IMAGE, "x@sha256:12", "is not an image reference"),
    _one("spec.training.schedule", "*/5 3 * * *", "more than once an hour", "0 3 * * 0"),
    _one("spec.training.schedule", "0,30 * * * *", "more than once an hour", "name one minute"),
    _one("spec.training.schedule", "@weekly", "is not a cron schedule"),
    _one("spec.training.timeZone", "Mars/Olympus", "unknown time zone", known=False),
    _one("spec.training.jitterSeconds", 86_401, "less than or equal to 86400"),
    _one("spec.updateStrategy", "Always", 'Unsupported value: "Always"', '"Manual"'),
    _one("spec.training.historyLimit", -1, "greater than or equal to 0"),
    _one("spec.training.maxModelAge", "3 days", "is not a duration", "180d"),
    _one("spec.model.pinnedVersion", "latest", "'latest' is no version", "name the one to serve"),
    _one("spec.training.missedRunPolicy", "Always", 'Unsupported value: "Always"', '"RunOnce"'),
    _one("spec.images.inference", "x:latest", "has the tag latest"),
    _one("spec.timeframe", "7m", 'Unsupported value: "7m"', '"5m"'),
    _one("spec.mode", "Demo", 'Unsupported value: "Demo"', '"Paper"'),
    Refusal(
        "Live without a secret",
        {"spec.mode": "Live"},
        ("spec.exchange.credentialsSecret", "Required value", "or write mode: Paper"),
    ),
    _one("spec.symbols", [], "at least 1 items"),
    _one("spec.symbols", ["BTC/USDT", "BTC/USDT"], "duplicate", "name each market once"),
    _one("spec.symbols", [f"C{i}/USDT" for i in range(11)], "must have at most 10 items"),
    Refusal("a symbol without quote", {"spec.symbols": ["BTC/USDT", "BTCUSDT"]},
            ("spec.symbols[1]", "'BTCUSDT' is not a market", "BTC/USDT")),
    Refusal("a symbol in small letters", {"spec.symbols": ["btc/usdt"]},
            ("spec.symbols[0]", "'btc/usdt' is not a market", "in capitals")),
    _one("spec.exchange.id", "Binance", "is not ccxt's id", "such as binance"),
    _one("spec.exchange.endpoint", "exchange:80", "is not a base address", "http(s)://host"),
    _one("spec.exchange.endpoint", "http://x/api", "is not a base address", "without a path"),
    _one("spec.exchange.credentialsSecret", "My_Keys", "is not the name of an object"),
    _one("spec.exchange.marketType", "Swap", 'Unsupported value: "Swap"', '"Spot"'),
    _one("spec.decision.riskMax", 1.2, "less than or equal to 1"),
    _one("spec.decision.riskMax", -0.1, "greater than or equal to 0"),
    _one("spec.decision.probMin", 0.4, "greater than or equal to 0.5"),
    _one("spec.decision.probMin", 1.1, "less than or equal to 1"),
    _one("spec.decision.minExpectedReturn", -0.1, "greater than or equal to 0"),
    _one("spec.decision.minExpectedReturn", 2, "less than or equal to 1"),
    _one("spec.decision.feesBps", -1, "greater than or equal to 0"),
    _one("spec.decision.probMin", "high", "must be of type number"),
    _one("spec.model.horizonSteps", -1, "greater than or equal to 1"),
    _one("spec.model.horizonSteps", 1.5, "must be of type integer"),
    _one("spec.model.encoderLength", 4, "greater than or equal to 8"),
    _one("spec.model.candidates", [], "at least 1 items"),
    _one("spec.model.candidates", ["GradientBoosting"] * 2, "duplicate", "each algorithm once"),
    Refusal("an unknown algorithm", {"spec.model.candidates": ["Lstm"]},
            ("spec.model.candidates[0]", 'Unsupported value: "Lstm"', "GradientBoosting")),
    Refusal("a dropout of everything", {"spec.model.temporalFusionTransformer.dropout": 1},
            ("temporalFusionTransformer.dropout", "should be less than 1")),
    Refusal("no learning", {"spec.model.gradientBoosting.learningRate": 0},
            ("gradientBoosting.learningRate", "should be greater than 0")),
    _one("spec.model.pinnedVersion", "V 1", "'V 1' is not a version"),
    _one("spec.training.lookback", "3y", "'3y' is not a duration", "such as 180d"),
    _one("spec.training.lookback", "-5d", "'-5d' is not a duration"),
    _one("spec.training.lookback", "0d", "'0d' is not a duration"),
    _one("spec.training.deadlineSeconds", 0, "greater than or equal to 60"),
    _one("spec.training.gate.mode", "Sometimes", "Unsupported value", '"Off"'),
    _one(CPU, {"requests": {"cpu": "1x"}}, "requests[cpu]", "is not a quantity", "500m"),
    _one(CPU, {"limits": {"memory": "-1Gi"}}, "limits[memory]", "is not a quantity", "4Gi"),
    _one(CPU, {"limits": {"cpu": 0.5}}, "must be of type"),
    _one(CPU, {"limits": {"cpus": 1}}, "names no resource", "write cpu, memory"),
    _one(CPU, {"requests": {"cpu": 2}, "limits": {"cpu": "1500m"}}, "above its limit", "raise"),
    _one("spec.inference.deadlineSeconds", 5, "greater than or equal to 10"),
    _one("spec.inference.timeZone", "Local", "is not an IANA time zone", "Europe/Paris"),
    *(
        _one("spec.inference.timeZone", zone, "is not an IANA time zone")
        for zone in ("", "Central European", "+01:00", "Europe/", "../UTC", "Etc/-5", "E" * 15)
    ),
    _one("spec.inference.timeZone", "Europe/Pariss", "unknown time zone Europe/Pariss",
         known=False),
    _one("spec.storage.size", "2GB", "'2GB' is not a size", "such as 2Gi"),
    _one("spec.storage.size", "-2Gi", "'-2Gi' is not a size"),
    _one("spec.storage.accessMode", "ReadWriteOncePod", "Unsupported value", '"ReadWriteOnce"'),
    _one("spec.storage.storageClassName", "Fast Disk", "is not the name of an object"),
    _one("spec.storage.existingClaim", "", "at least 1 chars"),
    _one("spec.pod.nodeSelector", {"disk": "very fast"}, "is not the value of a label"),
    _one("spec.pod.tolerations", [{"operator": "Exists", "key": "a", "value": "x"}],
         "Exists takes no value"),
    _one("spec.pod.tolerations", [{"effect": "NoSchedule"}], "operator must be Exists"),
    _one("spec.pod.imagePullSecrets", ["a b"], "is not the name of an object"),
    _one("spec.pod.proxy", "http://me:secret@proxy:3128", "without a user, a password or a path"),
    _one("spec.pod.proxy", "proxy:3128", "is not a proxy", "http://host:port"),
    _one("spec.pod.noProxy", ["a,b"], "is not a host, a domain or a network"),
    _one("spec.pod.caConfigMap", "Roots", "is not the name of an object"),
    _one("spec.pod.priorityClassName", "system-node-critical", "is for the cluster's own pods"),
    *(
        _one("spec.pod.labels", {key: "x"}, "needs a prefix of your own", "example.com/team")
        for key in (
            "app", "job-name", "app.kubernetes.io/instance", "kubernetes.io/arch", "k8s.io/x",
            "argocd.argoproj.io/instance", "botcripto.io/bot", "Example.com/x", "a..b/x", "a/",
            "/b", "a/b/c", f"a/{'x' * 64}", f"{'a.' * 70}b/x",
        )
    ),
    _one("spec.pod.labels", {"example.com/team": "a b"}, "is not the value of a label"),
    *(
        _schedule("5m", schedule, NO_SCHEDULE)
        for schedule in (
            "hello", "@daily", "* * * *", "* * * * * *", "61 * * * *", "0 24 * * *", "0 0 0 * *",
            "0 0 1 13 *", "0 0 * * 7", "*/0 * * * *", "0 0 * * MON", "TZ=UTC 0 * * * *",
            "30-10 * * * *", "0 5-2 * * *", "*-3 * * * *", "1--2 * * * *", "0  * * * *",
        )
    ),
    *(
        _schedule(timeframe, schedule, FINER)
        for timeframe, schedule in (
            ("5m", "* * * * *"), ("5m", "0,1 * * * *"), ("5m", "0,58 * * * *"),
            ("5m", "*/3 * * * *"), ("5m", "0-10/4 * * * *"), ("15m", "*/10 * * * *"),
            ("3m", "1,3 * * * *"), ("30m", "*/20 * * * *"), ("15m", "*/7 * * * *"),
            ("1h", "*/30 * * * *"), ("1h", "0,59 0 * * *"), ("4h", "0 * * * *"),
            ("4h", "0 */3 * * *"), ("4h", "0 0,22 * * *"), ("12h", "0 0,6 * * *"),
            ("1d", "0 */12 * * *"), ("1d", "0,1 0 * * *"),
        )
    ),
    _one("metadata.name", "b" * 41, "at most 40 characters", known=False),
    _one("metadata.name", "Bot", "a-z first", known=False),
    _one("metadata.name", "1bot", "a-z first", known=False),
    _one("metadata.name", "my.bot", "a-z first, then a-z, 0-9 and -", known=False),
)  # fmt: skip

ACCEPTED_SCHEDULES = (
    ("1m", "* * * * *"), ("5m", "*/5 * * * *"), ("15m", "*/15 * * * *"), ("5m", "1-56/5 * * * *"),
    ("5m", "0,5,10,15,20,25,30,35,40,45,50,55 * * * *"), ("15m", "0 * * * *"),
    ("30m", "5,35 0-23/2 1,15 */3 1-5"), ("15m", "5/15 * * * *"), ("1h", "0 * * * *"),
    ("1h", "17 */2 * * *"), ("4h", "0 */4 * * *"), ("4h", "0 1,5,9 * * *"), ("12h", "0 0,12 * * *"),
    ("1d", "0 0 * * *"), ("1d", "30 6 * * 1-5"), ("5m", "0 9 * * 1"),
)  # fmt: skip
"""(timeframe, schedule) that fire at most once a candle."""

ACCEPTED: tuple[dict[str, Any], ...] = (
    {"spec.images.training": f"registry.example:5000/team/x_y.z@sha256:{'0' * 64}"},
    {"spec.images.training": f"x:1.2.3@sha256:{'f' * 64}", "spec.images.inference": "a/b:v1"},
    {"spec.symbols": [f"C{i}/USDT" for i in range(10)]},
    {"spec.mode": "Live", "spec.exchange.credentialsSecret": "keys.binance"},
    {"spec.exchange.endpoint": "http://[::1]:8080"},
    {"spec.exchange.endpoint": "https://10.0.0.1"},
    {"spec.decision": {"riskMax": 1, "probMin": 0.5, "minExpectedReturn": 0, "feesBps": 0}},
    {"spec.training.resources": {"requests": {"cpu": 1}, "limits": {"cpu": "1", "memory": "1e9"}}},
    *(
        {"spec.inference.timeZone": zone}
        for zone in (
            "America/Argentina/ComodRivadavia",
            "EST5EDT",
            "Etc/GMT+5",
            "Etc/GMT-14",
            "GMT0",
            "W-SU",
            "America/Port-au-Prince",
        )
    ),
    {"spec.pod.tolerations": [{"operator": "Exists"}, {"key": "gpu", "value": "yes"}]},
    {"spec.pod.labels": {"example.com/team": "a", "cost/Centre_1": "42", f"a/{'x' * 63}": ""}},
    {"spec.pod.priorityClassName": "trading"},
    {"metadata.name": "b" * 40},
)
