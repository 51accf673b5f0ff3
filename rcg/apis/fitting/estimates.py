"""What a project is going to take: the table that fit() prints."""
from rcg.apis.fitting.choices import Cost
from rcg.apis.fitting.plan import Plan

TOO_MUCH = 1.1  # times the time that was asked for
TOO_FEW = .1  # of the steps of the preset


def estimates(plan: Plan, costs: dict[str, Cost], steps: dict[str, int],
              usual: dict[str, int], rest: float) -> list[str]:
    """Minutes, memory and disk of each stage, and what it is in all.

    Args:
        plan: Of the project.
        costs: Of a step, by stage.
        steps: By stage.
        usual: Steps of the preset; of the generators, those of the first.
        rest: Seconds of what is no training: starts, features, scores.
    """
    lines = ['stage             steps   minutes   memory MB   disk MB']
    seconds = {name: steps[name] * cost.seconds
               for name, cost in costs.items()}
    for name, cost in costs.items():
        lines.append(f'{name:15} {steps[name]:7,} {seconds[name] / 60:9.1f}'
                     f' {cost.memory_mb:11,} {cost.disk_mb:9,}')
    total = training_time(plan, seconds) + rest
    beside = plan.jobs > 1 and not set(plan.trained) <= set(plan.alone)
    lines += [f'{"all the rest":23} {rest / 60:9.1f}',
              f'{"all together":23} {total / 60:9.1f}'
              + ', since two stages train at a time' * beside]
    if total > TOO_MUCH * plan.time:
        lines.append(f'This is more than the {plan.time / 60:.1f} minutes '
                     'that were asked for. It cannot be done in less.')
    few = [f'{name} {count:,} of {usual[name]:,}'
           for name, count in steps.items()
           if count < TOO_FEW * usual.get(name, 0)]
    if few:
        lines.append("Expect poor samples: of the preset's steps there is time"
                     f' for few ({", ".join(few)}). Give more --time.')
    return lines


def training_time(plan: Plan, seconds: dict[str, float]) -> float:
    """Seconds that the stages train, some of them beside each other.

    Args:
        plan: Says which of them do.
        seconds: By stage.
    """
    if plan.jobs == 1:
        return sum(seconds.values())
    generators = [plan.generator, *plan.compared]
    pairs = [max(seconds[name] for name in generators[i:i + plan.jobs])
             for i in range(0, len(generators), plan.jobs)]
    before = sum(value for name, value in seconds.items()
                 if name not in (*generators, 'tokenizer'))
    # Encoder and RDM train beside the tokenizer.
    return max(before, seconds.get('tokenizer', 0.)) + sum(pairs)
