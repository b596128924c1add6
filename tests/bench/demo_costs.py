"""Measure what a running demo spends: CPU time by process, and jobs of its workers that found nothing to do."""

from contextlib import suppress
from dataclasses import dataclass

import psutil
from rq import Worker

from core.queue import open_queue
from tests.support.demo import Demo

NOTHING_TO_DO = "nothing to lease"
# What else a demo runs, by the module that `python -m` names.
PROGRAMS = {"worker": "workers", "gpu": "GPU service", "sandbox": "sandbox", "bot": "poller", "gallery": "gallery"}
OTHER = "queue and supervisor"


@dataclass(frozen=True)
class DemoCosts:
    """Costs since the start of a demo: CPU seconds by process, jobs, and jobs without work."""

    cpu: dict[str, float]
    jobs: int
    empty_jobs: int

    @property
    def empty_share(self) -> float:
        """Return the share of jobs that found nothing to do."""
        return self.empty_jobs / self.jobs

    def milliseconds_beside_gpu(self, count: int) -> float:
        """Return CPU milliseconds of one of `count` creations, of all processes but the GPU service."""
        return 1000 * (sum(self.cpu.values()) - self.cpu[PROGRAMS["gpu"]]) / count

    def since(self, earlier: "DemoCosts") -> "DemoCosts":
        """Return the costs since an earlier measurement."""
        cpu = {name: seconds - earlier.cpu.get(name, 0.0) for name, seconds in self.cpu.items()}
        return DemoCosts(cpu, self.jobs - earlier.jobs, self.empty_jobs - earlier.empty_jobs)


def measure_costs(demo: Demo) -> DemoCosts:
    """Return the costs of a demo up to now."""
    cpu: dict[str, float] = {}
    for process in demo.processes(""):
        with suppress(psutil.Error):
            name = _program(process)
            cpu[name] = cpu.get(name, 0.0) + sum(process.cpu_times()[:4])
    connection = open_queue(f"unix://{demo.data / 'queue.sock'}?db=0").connection
    jobs = sum(worker.successful_job_count for worker in Worker.all(connection=connection))
    log = (demo.data / "logs" / "worker.log").read_text()
    return DemoCosts(cpu, jobs, log.count(NOTHING_TO_DO))


def describe_costs(costs: DemoCosts, count: int, noop_cpu: float) -> list[str]:
    """Return lines for `count` creations.

    noop_cpu: CPU seconds of a bare job. Beside other work on the machine, CPU time says more than time.
    """
    milliseconds = {name: 1000 * seconds / count for name, seconds in costs.cpu.items()}
    workers = milliseconds[PROGRAMS["worker"]] / 1000 / noop_cpu
    return [
        f"CPU of a creation    {costs.milliseconds_beside_gpu(count):.0f} ms beside the GPU service, all processes: "
        + ", ".join(f"{name} {value:.0f}" for name, value in milliseconds.items()),
        f"ratio of CPU         the workers spend as much on a creation as on {workers:.0f} bare jobs",
        f"empty jobs           {costs.empty_jobs} of {costs.jobs} found nothing to do: {costs.empty_share:.1%}",
    ]


def _program(process: psutil.Process) -> str:
    """Return the name of the program that a process runs: workers are forks of their pool."""
    words = process.cmdline()
    module = words[words.index("-m") + 1] if "-m" in words else ""
    return PROGRAMS.get(module, OTHER)
