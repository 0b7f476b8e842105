"""The device that a command trains or samples on."""

from dataclasses import dataclass, field

from vqecg.records.bounds import OMITTED_WHILE_DEFAULT, Checked
from vqecg.training.processes import AUTO, check_device_name


@dataclass(frozen=True, kw_only=True)
class OnDevice(Checked):
    """The option of every command that trains or samples; `vqecg` itself puts the command on the device."""

    device: str = field(default=AUTO, metadata=OMITTED_WHILE_DEFAULT)  # cpu, cuda, cuda:1, or auto: a GPU if any

    def __post_init__(self) -> None:
        super().__post_init__()
        check_device_name(self.device)
