"""What is asked of homenoded through its API, by operators, schedulers and libvirt."""

from population import MIB

PATHS = ("/v1/host", "/v1/guests", "/v1/snapshot", "/metrics", "/v1/checks", "/v1/operations", "/v1/reservations?limit=5", "/",
         "/v1/guests?limit=3", "/v1/guests/{}", "/v1/guests/{}/history", "/v1/guests/{}/checks", "/v1/guests/{}/settings",
         "/v1/guests/{}/history?since=60&kind=samples,moves&limit=20", "/v1/nodes/{node}/drain", "/v1/guests/{}/xml")
XML = ("<domain type='kvm'><name>{0}</name><uuid>6c3ab0a2-55ae-4d11-a9d7-1f9b0a0c{1:04x}</uuid><memory unit='MiB'>{2}</memory>"
       "<vcpu placement='auto'>1</vcpu><os><type arch='x86_64'>hvm</type></os></domain>")


def wish(chance, name):
    """A guest that is to come, now and then one for which there is no room."""
    memory = 1 << 50 if chance.random() < 0.05 else chance.choice((8, 16, 32)) * MIB
    return {"name": name, "vcpus": chance.randint(1, 2), "memory_bytes": memory}


class Questions:
    def __init__(self, host, chance, later):
        self.host, self.chance, self.later = host, chance, later
        self.nodes = [0]

    def table(self):
        return {"ask": (14, self.ask), "rebalance": (8, self.rebalance), "steer": (6, self.steer), "window": (2, self.window),
                "plan": (6, self.plan), "drain": (3, self.drain), "placement": (4, self.placement), "numad": (2, self.numad),
                "hook": (3, self.hook)}

    def name(self):
        """Of a guest, alive or not, or of nobody."""
        return self.chance.choice(self.host.slots).name if self.chance.random() < 0.95 else "nobody"

    def post(self, path, body=None):
        return self.host.ask("POST", path, body)

    def ask(self):
        self.host.ask("GET", self.chance.choice(PATHS).format(self.name(), node=self.chance.choice(self.nodes)))

    def rebalance(self):
        self.post(f"/v1/guests/{self.name()}/rebalance", {"dry_run": self.chance.random() < 0.3})

    def steer(self):
        """Nothing stays held: it is resumed before anyone could call it stuck."""
        path, what = f"/v1/guests/{self.name()}/operation", self.chance.choice(("pause", "resume", "cancel"))
        self.post(f"{path}/{what}")
        if what == "pause":
            self.later(self.chance.uniform(0.5, 5), lambda: self.post(f"{path}/resume"))

    def window(self):
        self.post(f"/v1/guests/{self.name()}/window", {"seconds": self.chance.choice((0, 5, 60))})

    def plan(self):
        status, plan, _ = self.post("/v1/plans", {"guest": self.name()})
        if status == 201:
            apply = f"/v1/plans/{plan['id']}/apply"
            if self.chance.random() < 0.6:
                self.post(apply)
            else:  # the world goes on meanwhile
                self.later(self.chance.uniform(0.5, 10), lambda: self.post(apply))

    def drain(self):
        node, is_dry = self.chance.choice(self.nodes), self.chance.random() < 0.3
        status = self.post(f"/v1/nodes/{node}/drain", {"dry_run": is_dry})[0]
        if status in (200, 202) and not is_dry:
            self.later(self.chance.uniform(5, 30), lambda: self.post(f"/v1/nodes/{node}/undrain"))
        elif self.chance.random() < 0.5:
            self.post(f"/v1/nodes/{node}/undrain")

    def placement(self):
        self.post("/v1/placements", {**wish(self.chance, "new"), "more": self.chance.randrange(64)})

    def numad(self):
        self.post(f"/v1/numad?vcpus={self.chance.randint(1, 8)}&memory_mib={self.chance.randint(1, 1000)}")

    def hook(self):
        """What libvirt tells of a domain, in any order."""
        number = self.chance.randrange(8)
        name, operation = f"domain-{number}", self.chance.choice(("prepare", "prepare", "started", "release"))
        self.post(f"/v1/libvirt/{operation}?guest={name}&sub=begin", XML.format(name, number, 16 << number % 3))
