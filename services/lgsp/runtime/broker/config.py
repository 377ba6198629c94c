"""The configuration of the embedded broker: one KRaft node, loopback, for a small machine."""

HOST = "127.0.0.1"
JVM = ("-Xms128m", "-Xmx512m", "-XX:+ExitOnOutOfMemoryError", "-Djava.awt.headless=true")
QUICK_JVM = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx128m")  # for a short run
FORMATTER = "kafka.tools.StorageTool"
SERVER = "kafka.Kafka"
LOCALE = {"LC_ALL": "C.UTF-8"}
"""Environment of Java: by it Java reads and writes the names of files, whatever the machine's is.

Without it no folder with a Vietnamese letter can be opened where the locale is C, as of systemd.
"""

_FIXED = """
process.roles=broker,controller
node.id=1
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT

# Topics are applied by `lgsp topics apply`: a first request must not fix a partition count.
auto.create.topics.enable=false

# After kill -9 the controller keeps the dead broker for this long, and the restart waits for it.
broker.session.timeout.ms=1500
broker.heartbeat.interval.ms=500

# One node: every internal topic has one replica, and few partitions.
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=4

# Workers join at once, may have short sessions, and find their group after a long holiday.
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
offsets.retention.minutes=527040

# A small machine: few threads, and a cleaner whose buffer fits the heap (default: 128 MB).
num.network.threads=2
num.io.threads=4
background.threads=2
log.cleaner.dedupe.buffer.size=16777216
log.segment.bytes=134217728
log.cleaner.backoff.ms=15000
"""


def server_properties(*, port: int, logs: str) -> str:
    """Return server.properties: clients on `port`, the controller on the next one, both loopback.

    Args:
        port: port of the clients' listener.
        logs: name of the folder of log segments and the cluster's metadata, below the folder that
            Java runs in. No path: Java reads this file as Latin-1, a backslash as an escape, and
            Kafka takes a comma for the end of a folder's name.
    """
    return f"""# Written by `lgsp` at each start; changes here are lost.
listeners=PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{port + 1}
advertised.listeners=PLAINTEXT://{HOST}:{port}
controller.quorum.bootstrap.servers={HOST}:{port + 1}
log.dirs={logs}
{_FIXED}"""
