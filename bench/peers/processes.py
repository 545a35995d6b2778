"""Child processes of a peer: started with a log each, ended together, never left behind."""
import ctypes
import os
import signal
import subprocess

PR_SET_PDEATHSIG = 1


LIBC = ctypes.CDLL(None)


def die_with_parent(by=signal.SIGTERM):
    """In the child: the kernel ends it when the measuring process is gone, however that went."""
    LIBC.prctl(PR_SET_PDEATHSIG, by)


def die_with_parent_alone(by=signal.SIGTERM):
    """The same in a group of its own: Ctrl-C reaches the measuring process, which then stops the children in order."""
    die_with_parent(by)
    os.setpgid(0, 0)


def spent(pid):
    """Seconds of processor time of a process and of its children that ended."""
    with open('/proc/%d/stat' % pid, encoding='ascii', errors='replace') as file:
        fields = file.read().rsplit(')', 1)[1].split()
    return sum(map(int, fields[11:15])) / os.sysconf('SC_CLK_TCK')


class Processes:
    def __init__(self, orphans=signal.SIGTERM):
        """orphans: the signal that ends them when the measuring process was killed."""
        self.orphans, self.children, self.logs = orphans, [], {}

    def start(self, command, folder, log, env=None):
        with open(log, 'ab') as out:
            self.children.append(subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                                  env={**os.environ, **(env or {})},
                                                  preexec_fn=lambda: die_with_parent_alone(self.orphans)))
        self.logs[self.children[-1].pid] = log
        return self.children[-1]

    def ended(self):
        return [child for child in self.children if child.poll() is not None]

    def last_words(self):
        """The end of the log of the first that has ended."""
        with open(self.logs[self.ended()[0].pid], encoding='utf-8', errors='replace') as file:
            return ' '.join(file.read().split())[-250:]

    def stop(self):
        """Last started first; what does not go within its time is killed, with all of its own children."""
        for patience, child in zip([5] * (len(self.children) - 1) + [20], reversed(self.children)):
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
            try:
                child.wait(patience)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        self.children = []

    def megabytes(self):
        """Resident memory of all of them and of their children, now and at most (each at its own time)."""
        totals = {'VmRSS': 0, 'VmHWM': 0}
        for pid in self.everyone():
            try:
                with open('/proc/%d/status' % pid, encoding='ascii', errors='replace') as file:
                    lines = dict(line.split(':', 1) for line in file)
                for key in totals:
                    totals[key] += int(lines[key].split()[0]) / 1024
            except (OSError, KeyError):  # it has just gone
                continue
        return {'now_mb': totals['VmRSS'], 'peak_mb': totals['VmHWM']}

    def seconds(self):
        """Processor time of all of them and of their children."""
        total = 0
        for pid in self.everyone():
            try:
                total += spent(pid)
            except OSError:
                continue
        return total

    def everyone(self):
        """The ids of the children and of all who joined their groups."""
        groups = {child.pid for child in self.children}
        for name in filter(str.isdigit, os.listdir('/proc')):
            try:
                if os.getpgid(int(name)) in groups:
                    yield int(name)
            except OSError:
                continue
