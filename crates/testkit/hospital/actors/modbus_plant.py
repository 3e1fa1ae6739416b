"""The controller of the dialysis water plant: a Modbus/TCP server on the unmodified pymodbus library."""

import asyncio

from pymodbus.server import StartAsyncTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

plant = SimDevice(id=1, simdata=[SimData(address=0, count=40, values=420, datatype=DataType.REGISTERS)])
asyncio.run(StartAsyncTcpServer(context=plant, address=("0.0.0.0", 502)))
