"""The names of this package, which `aioca` itself imports when one is asked for."""

from aioca import types
from aioca._catools import (
    CAInfo,
    CANothing,
    ChannelInfo,
    Subscription,
    caget,
    cainfo,
    camonitor,
    caput,
    connect,
    get_channel_infos,
    purge_channel_caches,
    run,
)
from aioca._epics import cadef as _cadef
from aioca._epics import dbr as _dbr
from aioca._errors import CADisconnected, CARefused
from aioca.channel import Channel, ChannelState, get_channel, watch_channel
from aioca.native._metadata import FORMAT_FULL

DBE_VALUE: int = _cadef.DBE_VALUE
DBE_LOG: int = _cadef.DBE_LOG
DBE_ALARM: int = _cadef.DBE_ALARM
DBE_PROPERTY: int = _cadef.DBE_PROPERTY
DBR_STRING: int = _dbr.DBR_STRING
DBR_SHORT: int = _dbr.DBR_SHORT
DBR_FLOAT: int = _dbr.DBR_FLOAT
DBR_ENUM: int = _dbr.DBR_ENUM
DBR_CHAR: int = _dbr.DBR_CHAR
DBR_LONG: int = _dbr.DBR_LONG
DBR_DOUBLE: int = _dbr.DBR_DOUBLE
DBR_CHAR_STR: int = _dbr.DBR_CHAR_STR
DBR_CHAR_UNICODE: int = _dbr.DBR_CHAR_UNICODE
DBR_ENUM_STR: int = _dbr.DBR_ENUM_STR
DBR_CHAR_BYTES: int = _dbr.DBR_CHAR_BYTES
DBR_PUT_ACKT: int = _dbr.DBR_PUT_ACKT
DBR_PUT_ACKS: int = _dbr.DBR_PUT_ACKS
DBR_STSACK_STRING: int = _dbr.DBR_STSACK_STRING
DBR_CLASS_NAME: int = _dbr.DBR_CLASS_NAME
FORMAT_RAW: int = _dbr.FORMAT_RAW
FORMAT_TIME: int = _dbr.FORMAT_TIME
FORMAT_CTRL: int = _dbr.FORMAT_CTRL
ca_extra_fields: list[str] = _dbr.ca_extra_fields

__all__ = [
    "DBE_ALARM",
    "DBE_LOG",
    "DBE_PROPERTY",
    "DBE_VALUE",
    "DBR_CHAR",
    "DBR_CHAR_BYTES",
    "DBR_CHAR_STR",
    "DBR_CHAR_UNICODE",
    "DBR_CLASS_NAME",
    "DBR_DOUBLE",
    "DBR_ENUM",
    "DBR_ENUM_STR",
    "DBR_FLOAT",
    "DBR_LONG",
    "DBR_PUT_ACKS",
    "DBR_PUT_ACKT",
    "DBR_SHORT",
    "DBR_STRING",
    "DBR_STSACK_STRING",
    "FORMAT_CTRL",
    "FORMAT_FULL",
    "FORMAT_RAW",
    "FORMAT_TIME",
    "CADisconnected",
    "CAInfo",
    "CANothing",
    "CARefused",
    "Channel",
    "ChannelInfo",
    "ChannelState",
    "Subscription",
    "ca_extra_fields",
    "caget",
    "cainfo",
    "camonitor",
    "caput",
    "connect",
    "get_channel",
    "get_channel_infos",
    "purge_channel_caches",
    "run",
    "types",
    "watch_channel",
]
