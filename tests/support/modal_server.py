"""A stand-in for Modal's control plane: keeps what it is told of apps and autoscalers, and runs nothing.

It speaks Modal's own gRPC on this machine, so that the real client and the real `modal deploy` can be watched.
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpclib
from google.protobuf.empty_pb2 import Empty
from grpclib.server import Server, Stream
from modal_proto import api_pb2
from modal_proto.api_grpc import ModalClientBase

FUNCTION, CLASS, METHODS = "fu-gpu", "cs-gpu", ("web", "paint")


class ControlPlane:
    """What was asked, by the name of the call, and answers for what a deployment and an autoscaler's update need.

    `deployed` False: it knows no app yet. A call that is not in `answers` is UNIMPLEMENTED.
    """

    def __init__(self, *, deployed: bool = True) -> None:
        self.asked: dict[str, list[Any]] = defaultdict(list)
        self.deployed = deployed
        self.url = ""

    def answer(self, call: str, asked: Any) -> Any:
        """The answer to one call, None where there is none."""
        self.asked[call].append(asked)
        own = getattr(self, f"_{call}", None)
        return own(asked) if own else None

    # An app that is looked up, and its autoscaler.

    def _ClientHello(self, _asked: Any) -> Any:
        return api_pb2.ClientHelloResponse()

    def _EnvironmentGetOrCreate(self, _asked: Any) -> Any:
        metadata = api_pb2.EnvironmentMetadata(
            name="main", settings=api_pb2.EnvironmentSettings(image_builder_version="2025.06")
        )
        return api_pb2.EnvironmentGetOrCreateResponse(environment_id="en-1", metadata=metadata)

    def _ClassGet(self, asked: Any) -> Any:
        self._known(f"{asked.app_name}/{asked.object_tag}")
        return api_pb2.ClassGetResponse(class_id=CLASS)

    def _FunctionGet(self, asked: Any) -> Any:
        self._known(f"{asked.app_name}/{asked.object_tag}")
        return api_pb2.FunctionGetResponse(
            function_id=FUNCTION, handle_metadata=_class_metadata(), function=_function_data("Gpu.*")
        )

    def _FunctionUpdateSchedulingParams(self, asked: Any) -> Any:
        return api_pb2.FunctionUpdateSchedulingParamsResponse(current_settings=asked.settings)

    def _known(self, name: str) -> None:
        if not self.deployed or name not in ("threadpaint-gpu/Gpu", "threadpaint-gpu/Gpu.*"):
            raise grpclib.GRPCError(grpclib.Status.NOT_FOUND, f"no {name} here")

    def _VolumeCommit(self, _asked: Any) -> Any:
        return api_pb2.VolumeCommitResponse()

    def _VolumeReload(self, _asked: Any) -> Any:
        return Empty()

    # A deployment.

    def _AppGetByDeploymentName(self, _asked: Any) -> Any:
        return api_pb2.AppGetByDeploymentNameResponse()

    def _AppCreate(self, _asked: Any) -> Any:
        return api_pb2.AppCreateResponse(app_id="ap-1", app_page_url="http://127.0.0.1/ap-1")

    def _AppGetOrCreate(self, _asked: Any) -> Any:
        return api_pb2.AppGetOrCreateResponse(app_id="ap-1")

    def _AppHeartbeat(self, _asked: Any) -> Any:
        return Empty()

    def _AppPublish(self, _asked: Any) -> Any:
        return api_pb2.AppPublishResponse(url="http://127.0.0.1/ap-1")

    def _AppSetTags(self, _asked: Any) -> Any:
        return Empty()

    def _MountGetOrCreate(self, _asked: Any) -> Any:
        return api_pb2.MountGetOrCreateResponse(mount_id="mo-1")

    def _AppClientDisconnect(self, _asked: Any) -> Any:
        return Empty()

    def _MountBatchedCheckExistence(self, _asked: Any) -> Any:
        return api_pb2.MountBatchedCheckExistenceResponse()

    def _MountPutFile(self, _asked: Any) -> Any:
        return api_pb2.MountPutFileResponse(exists=True)

    def _VolumeGetOrCreate(self, asked: Any) -> Any:
        return api_pb2.VolumeGetOrCreateResponse(volume_id=f"vo-{asked.deployment_name}")

    def _SecretGetOrCreate(self, asked: Any) -> Any:
        return api_pb2.SecretGetOrCreateResponse(secret_id=f"st-{len(self.asked['SecretGetOrCreate'])}")

    def _ImageGetOrCreate(self, _asked: Any) -> Any:
        done = api_pb2.GenericResult(status=api_pb2.GenericResult.GENERIC_STATUS_SUCCESS)
        return api_pb2.ImageGetOrCreateResponse(image_id=f"im-{len(self.asked['ImageGetOrCreate'])}", result=done)

    def _FunctionPrecreate(self, asked: Any) -> Any:
        return api_pb2.FunctionPrecreateResponse(function_id=f"fu-{asked.function_name}")

    def _FunctionCreate(self, asked: Any) -> Any:
        name = asked.function.function_name
        metadata = _class_metadata() if asked.function.is_class else api_pb2.FunctionHandleMetadata(function_name=name)
        return api_pb2.FunctionCreateResponse(
            function_id=f"fu-{name}", function_data=_function_data(name), handle_metadata=metadata
        )

    def _ClassCreate(self, _asked: Any) -> Any:
        return api_pb2.ClassCreateResponse(class_id=CLASS)


def _function_data(name: str) -> Any:
    ranked = api_pb2.FunctionData.RankedFunction(rank=1, function=api_pb2.Function(function_name=name))
    return api_pb2.FunctionData(function_name=name, ranked_functions=[ranked])


def _class_metadata() -> Any:
    kind = api_pb2.Function.FUNCTION_TYPE_FUNCTION
    methods = {
        name: api_pb2.FunctionHandleMetadata(function_name=f"Gpu.{name}", function_type=kind, is_method=True)
        for name in METHODS
    }
    return api_pb2.FunctionHandleMetadata(function_name="Gpu.*", function_type=kind, method_handle_metadata=methods)


def _handler(plane: ControlPlane, call: str) -> Any:
    async def handle(stream: Stream[Any, Any]) -> None:
        answer = plane.answer(call, await stream.recv_message())
        if answer is None:
            raise grpclib.GRPCError(grpclib.Status.UNIMPLEMENTED, f"{call} is not imitated")
        await stream.send_message(answer)

    return handle


@contextmanager
def running(plane: ControlPlane) -> Iterator[ControlPlane]:
    """Serve the control plane on a port of this machine, in a thread of its own; its address is `plane.url`."""
    calls = list(ModalClientBase.__abstractmethods__)
    kind = type("Servicer", (ModalClientBase,), {name: staticmethod(_handler(plane, name)) for name in calls})
    loop, up = asyncio.new_event_loop(), threading.Event()
    server = None

    async def start() -> None:
        nonlocal server
        server = Server([kind()])
        await server.start("127.0.0.1", 0)
        port = server._server.sockets[0].getsockname()[1]
        plane.url = f"http://127.0.0.1:{port}"
        up.set()

    thread = threading.Thread(target=lambda: (loop.run_until_complete(start()), loop.run_forever()), daemon=True)
    thread.start()
    assert up.wait(10)
    try:
        yield plane
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()
