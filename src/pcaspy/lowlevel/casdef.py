"""Constants of pcaspy's low-level layer."""

from __future__ import annotations

from ..native import _time

# Event masks
DBE_VALUE = 1
DBE_ARCHIVE = 2
DBE_LOG = DBE_ARCHIVE
DBE_ALARM = 4
DBE_PROPERTY = 8

# What pvExistTest returns
pverExistsHere = 0
pverDoesNotExistHere = 1
pverAsyncCompletion = 2

# Statuses of an application
M_casApp = 34340864
S_casApp_success = 0
S_casApp_noMemory = M_casApp | 1
S_casApp_pvNotFound = M_casApp | 2
S_casApp_badPVId = M_casApp | 3
S_casApp_noSupport = M_casApp | 4
S_casApp_asyncCompletion = M_casApp | 5
S_casApp_badDimension = M_casApp | 6
S_casApp_canceledAsyncIO = M_casApp | 7
S_casApp_outOfBounds = M_casApp | 8
S_casApp_undefined = M_casApp | 9
S_casApp_postponeAsyncIO = M_casApp | 10

# Statuses of a server library
M_cas = 34275328
S_cas_success = 0
S_cas_internal = M_cas | 1
S_cas_noMemory = M_cas | 2
S_cas_bindFail = M_cas | 3
S_cas_hugeRequest = M_cas | 4
S_cas_sendBlocked = M_cas | 5
S_cas_badElementCount = M_cas | 6
S_cas_noConvert = M_cas | 7
S_cas_badWriteType = M_cas | 8
S_cas_noContext = M_cas | 11
S_cas_disconnect = M_cas | 12
S_cas_recvBlocked = M_cas | 13
S_cas_badType = M_cas | 14
S_cas_timerDoesNotExist = M_cas | 15
S_cas_badEventType = M_cas | 16
S_cas_badResourceId = M_cas | 17
S_cas_chanCreateFailed = M_cas | 18
S_cas_noRead = M_cas | 19
S_cas_noWrite = M_cas | 20
S_cas_noEventsSelected = M_cas | 21
S_cas_noFD = M_cas | 22
S_cas_badProtocol = M_cas | 23
S_cas_redundantPost = M_cas | 24
S_cas_badPVName = M_cas | 25
S_cas_badParameter = M_cas | 26
S_cas_validRequest = M_cas | 27
S_cas_tooManyEvents = M_cas | 28
S_cas_noInterface = M_cas | 29
S_cas_badBounds = M_cas | 30
S_cas_pvAlreadyAttached = M_cas | 31
S_cas_badRequest = M_cas | 32
S_cas_invalidAsynchIO = M_cas | 33
S_cas_posponeWhenNonePending = M_cas | 34

# Types of a value
aitEnumInvalid = 0
aitEnumInt8 = 1
aitEnumUint8 = 2
aitEnumInt16 = 3
aitEnumUint16 = 4
aitEnumEnum16 = 5
aitEnumInt32 = 6
aitEnumUint32 = 7
aitEnumFloat32 = 8
aitEnumFloat64 = 9
aitEnumFixedString = 10
aitEnumString = 11
aitEnumContainer = 12

MAX_ENUM_STATES = 16
MAX_ENUM_STRING_SIZE = 26
POSIX_TIME_AT_EPICS_EPOCH = _time.EPICS_EPOCH
EPICS_HAS_WRITENOTIFY = 1

# The EPICS release whose server library this layer is like.
EPICS_VERSION = 3
EPICS_REVISION = 14
EPICS_MODIFICATION = 12
EPICS_PATCH_LEVEL = 8
EPICS_UPDATE_LEVEL = EPICS_PATCH_LEVEL
EPICS_DEV_SNAPSHOT = ""
EPICS_CVS_SNAPSHOT = ""
EPICS_SITE_VERSION = ""
EPICS_VERSION_STRING = "EPICS 3.14.12.8"
epicsReleaseVersion = "EPICS R3.14.12.8"

numerics = (bool, int, float)
