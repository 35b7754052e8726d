"""PVs B:0, B:1, ... over PVAccess: server.py ours|p4p|softioc COUNT.

Standard input takes `cpu`, `post RATE SECONDS`, `hold SECONDS` (with the GIL) and
`memory`; each answers in a line of JSON.
"""

import ctypes
import json
import os
import resource
import sys
import threading
import time

NAME = "B:"


def serve_ours(count):
    from pcaspy import Driver, SimpleServer
    from pcaspy.tools import ServerThread

    class Writes(Driver):
        def write(self, reason, value):
            self.setParam(reason, value)
            return True

    entry = {"prec": 3, "unit": "mA", "hihi": 9e9, "value": 1.0}
    server = SimpleServer(port=0, pva=True)
    server.createPV(NAME, {str(i): entry for i in range(count)})
    driver = Writes()
    server.start()
    thread = ServerThread(server)
    thread.start()

    def post(index, value):
        driver.setParam(str(index), value)
        driver.updatePV(str(index))

    return post, {"tcp": server.pva_tcp_port, "udp": server.pva_udp_port}


def serve_p4p(count):
    from p4p.nt import NTScalar
    from p4p.server import Server
    from p4p.server.thread import SharedPV

    class Writes:
        def put(self, pv, operation):
            pv.post(operation.value(), timestamp=time.time())
            operation.done()

    kind = NTScalar("d", display=True, control=True, valueAlarm=True)
    pvs = [SharedPV(nt=kind, initial=1.0, handler=Writes()) for _ in range(count)]
    server = Server(providers=[{f"{NAME}{i}": pv for i, pv in enumerate(pvs)}])
    conf = server.conf()

    def post(index, value):
        pvs[index].post(value, timestamp=time.time())

    post.server = server  # held
    ports = ("EPICS_PVAS_SERVER_PORT", "EPICS_PVAS_BROADCAST_PORT")
    return post, dict(zip(("tcp", "udp"), (int(conf[p]) for p in ports), strict=True))


def serve_softioc(count):
    from softioc import asyncio_dispatcher, builder, softioc

    builder.SetDeviceName(NAME.rstrip(":"))
    options = {"PREC": 3, "EGU": "mA", "always_update": True}
    options["on_update"] = lambda value: None
    records = [builder.aOut(str(i), initial_value=1.0, **options) for i in range(count)]
    builder.LoadDatabase()
    softioc.iocInit(asyncio_dispatcher.AsyncioDispatcher())
    tcp, udp = (
        int(os.environ[f"EPICS_PVAS_{port}_PORT"]) for port in ("SERVER", "BROADCAST")
    )
    return lambda index, value: records[index].set(value), {"tcp": tcp, "udp": udp}


def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def post_at(post, count, rate, seconds):
    """Posts in turn to all PVs, as many each millisecond as the rate says."""
    before, begin = cpu(), time.perf_counter()
    posts, spent = 0, 0.0
    while (now := time.perf_counter() - begin) < seconds:
        start = time.perf_counter()
        for index in range(posts, int(now * rate)):
            post(index % count, float(index))
        posts = max(posts, int(now * rate))
        spent += time.perf_counter() - start
        time.sleep(0.001)
    return {
        "posts": posts,
        "cpu_before": before,
        "post_us": 1e6 * spent / max(posts, 1),
    }


def answer(line, post, count):
    word, *arguments = line.split()
    if word == "cpu":
        return {"cpu": cpu()}
    if word == "post":
        return post_at(post, count, *map(float, arguments))
    if word == "hold":
        ctypes.PyDLL(None).usleep(int(1e6 * float(arguments[0])))
        return {}
    with open("/proc/self/statm") as statm:
        return {
            "bytes": int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE"),
        }


def main(which, count):
    post, ports = globals()[f"serve_{which}"](count)

    def run():
        for line in sys.stdin:
            print(json.dumps(answer(line, post, count)), flush=True)
        os._exit(0)

    threading.Thread(target=run, daemon=True).start()
    print(json.dumps(ports), flush=True)
    threading.Event().wait()


main(sys.argv[1], int(sys.argv[2]))
