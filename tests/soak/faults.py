"""What befalls homenoded, its hands, and the disk that its history is on."""

import os
import signal
import time

from scene import children_of


class Faults:
    def __init__(self, host, audit, clients, life, chance, later):
        self.host, self.audit, self.clients, self.life = host, audit, clients, life
        self.chance, self.later, self.is_full = chance, later, False

    def table(self):
        return {"fill-disk": (1.5, self.fill_disk)} if self.host.disk else {}

    def table_of_ends(self):
        """What ends homenoded or its hands."""
        return {"kill-homenoded": (0.6, self.kill_homenoded), "restart-homenoded": (0.3, self.restart_homenoded),
                "kill-hands": (2, self.kill_hands), "stop-hands": (0.7, self.stop_hands)}

    def leave(self):
        self.clients.close()
        self.audit.step()
        self.audit.end_life()

    def come_back(self):
        self.audit.begin_life()
        self.audit.promises.check()

    def kill_homenoded(self):
        self.leave()
        self.host.kill()
        if self.chance.random() < 0.5:
            time.sleep(self.chance.uniform(0, 3))
            self.chance.choice((self.life.start, self.life.kill, self.life.stray))()  # while it is away
        self.host.start()
        self.come_back()

    def restart_homenoded(self):
        self.leave()
        self.host.restart()
        self.come_back()

    def hands(self):
        found = children_of(self.host.daemon.pid)
        return self.chance.choice(found) if found else None

    def kill_hands(self):
        pid = self.hands()
        return os.kill(pid, signal.SIGKILL) if pid else False

    def stop_hands(self):
        """It hangs; homenoded gives it up after 10 s."""
        pid = self.hands()
        if not pid:
            return False
        self.host.stopped.append(pid)
        os.kill(pid, signal.SIGSTOP)
        return True

    def fill_disk(self):
        if self.is_full:
            return False
        self.is_full = True
        self.host.fill_disk()
        self.later(self.chance.uniform(5, 20), self.empty_disk)
        return True

    def empty_disk(self):
        self.is_full = False
        self.host.empty_disk()
