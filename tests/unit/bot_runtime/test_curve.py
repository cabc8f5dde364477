"""Learning curves: what they remember of a fit, and that they are stored whole."""

import json

from bot_runtime.learning.curve import LearningCurve
from bot_runtime.learning.models.forecaster import Epoch


def test_curve_keeps_the_last_loss_of_each_epoch_and_part_and_passes_everything_on() -> None:
    curve, told = LearningCurve(), []
    tell = curve.listen(lambda share, message, epoch: told.append((share, message, epoch)))
    epochs = [
        Epoch(0, 9),
        Epoch(1, 9, validation_loss=0.7),
        Epoch(2, 9, validation_loss=0.7),
        Epoch(2, 9, validation_loss=0.6),
        Epoch(10, 30, validation_loss=1.5, part="p10"),
    ]
    for epoch in epochs:
        tell(0.5, "on", epoch)
    assert told == [(0.5, "on", epoch) for epoch in epochs]
    assert curve.losses == {"": {1: 0.7, 2: 0.6}, "p10": {10: 1.5}}


def test_curve_comes_back_from_a_file_with_its_epochs_in_order() -> None:
    curve = LearningCurve({"": {1: 0.123456, 20: 3e-05, 100: 1.0}, "p90": {10: 2.0}})
    text = json.dumps(curve.to_json(), sort_keys=True)
    back = LearningCurve.from_json(json.loads(text))
    assert back == curve
    assert list(back.losses[""]) == [1, 20, 100]
