"""Host SDK of the Vigie bracelet: find it, talk to it, stream from it.

async with vigie.connect("serial:/dev/ttyACM0") as bracelet:
    async for block in bracelet.stream():
        print(block.stream, block.first_sample, block.values)
"""

from vigie.bracelet import Bracelet, LinkStatistics, connect
from vigie.errors import (
    AddressError,
    ConnectFailed,
    Disconnected,
    LinkError,
    NumbersWentBack,
    PlanError,
    PromptError,
    RecordConflict,
    RequestRefused,
    RequestTimeout,
    SchemaMismatch,
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreNotWritable,
    StoreVersion,
    StreamStalled,
    UnknownDevice,
    VigieError,
)
from vigie.records import Record
from vigie.sample_clock import SampleClock, fit_sample_clock
from vigie.samples import SampleBlock
from vigie.store import Store
from vigie.stream import SampleStream
from vigie.sync import Sync, SyncProgress
from vigie.transports import Transport, open_transport
from vigie_protocol.enums import Stream
from vigie_protocol.messages import Configuration, Configure, Error, Event, Hello, Log, Status

__all__ = [
    "AddressError",
    "Bracelet",
    "Configuration",
    "Configure",
    "ConnectFailed",
    "Disconnected",
    "Error",
    "Event",
    "Hello",
    "LinkError",
    "LinkStatistics",
    "Log",
    "NumbersWentBack",
    "PlanError",
    "PromptError",
    "Record",
    "RecordConflict",
    "RequestRefused",
    "RequestTimeout",
    "SampleBlock",
    "SampleClock",
    "SampleStream",
    "SchemaMismatch",
    "Status",
    "Store",
    "StoreBusy",
    "StoreDamaged",
    "StoreError",
    "StoreFull",
    "StoreNotWritable",
    "StoreVersion",
    "Stream",
    "StreamStalled",
    "Sync",
    "SyncProgress",
    "Transport",
    "UnknownDevice",
    "VigieError",
    "connect",
    "fit_sample_clock",
    "open_transport",
]
