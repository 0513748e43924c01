// Figures and states in words, as the commands say them.

const SIZES = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

function short(value) {
	return value >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(1).replace(/\.0$/, "");
}

export function bytes(count) {
	let value = count;
	let step = 0;
	while (step + 1 < SIZES.length && Math.round(value) >= 1024) {
		value /= 1024;
		step++;
	}
	return `${short(value)} ${SIZES[step]}`;
}

export function duration(ns) {
	const seconds = ns / 1e9;
	if (Math.round(seconds * 1e3) < 1000) {
		return `${short(seconds * 1e3)} ms`;
	}
	for (const [limit, unit, name] of [[120, 1, "s"], [7200, 60, "min"], [172800, 3600, "h"]]) {
		if (seconds < limit) {
			return `${short(seconds / unit)} ${name}`;
		}
	}
	return `${short(seconds / 86400)} d`;
}

/** "62 %"; nothing is rounded to none or to all of it. */
export function share(value) {
	if (value > 0 && value < 0.005) {
		return "<1 %";
	}
	if (value < 1 && value >= 0.995) {
		return ">99 %";
	}
	return `${Math.round(100 * value)} %`;
}

/** With its interval where that is wider than a point. */
export function interval(of) {
	const half = 50 * (of.high - of.low);
	return half > 1 ? `${Math.round(100 * of.value)} ±${Math.round(half)} %` : share(of.value);
}

/** "bad", "middling" or "good". */
export function tone(value) {
	return value >= 0.95 ? "good" : value >= 0.75 ? "middling" : "bad";
}

export function count(number, one, many = `${one}s`) {
	return `${number} ${number === 1 ? one : many}`;
}

/** The ids in "0-3,8". */
export function ids(set) {
	const found = [];
	for (const part of (set || "").split(",").filter((text) => text)) {
		const [first, last = first] = part.split("-").map(Number);
		for (let id = first; id <= last; id++) {
			found.push(id);
		}
	}
	return found;
}

export function set(numbers) {
	const sorted = [...new Set(numbers)].sort((a, b) => a - b);
	const parts = [];
	for (let i = 0; i < sorted.length; i++) {
		const first = sorted[i];
		while (sorted[i + 1] === sorted[i] + 1) {
			i++;
		}
		parts.push(first === sorted[i] ? `${first}` : `${first}-${sorted[i]}`);
	}
	return parts.join(",");
}

export function clock(ms, seconds = true) {
	const parts = {hour: "2-digit", minute: "2-digit", ...(seconds ? {second: "2-digit"} : {})};
	return new Date(ms).toLocaleTimeString([], {...parts, hourCycle: "h23"});
}

export function moment(ms) {
	const today = new Date(ms).toDateString() === new Date().toDateString();
	return today ? clock(ms) : `${new Date(ms).toLocaleDateString()} ${clock(ms)}`;
}

export const TRENDS = {
	rising: ["↑", "rising"],
	falling: ["↓", "falling"],
	steady: ["", ""],
};

const decides = (mode) => mode === "advise" || mode === "enforce";

/** Ids of nodes that the cell, or without one the guest, belongs on; none where homenode decides nothing. */
export function home(report, cell = null) {
	if (!report.home || !decides(report.guest.mode)) {
		return [];
	}
	const cells = report.home.cells.filter((part) => cell === null || part.cell === cell);
	return cells.flatMap((part) => ids(part.nodes));
}

export function isMoving(report) {
	return report.operation.state === "running";
}

export function isTroubled(report) {
	return report.problem !== "" || (!isMoving(report) && report.plan !== null && report.plan.verdict === "blocked");
}

function left(operation) {
	const rest = operation.to_move_bytes - operation.moved_bytes;
	if (operation.moved_bytes === 0 || rest <= 0 || operation.elapsed_ns < 5e8) {
		return "";
	}
	return `, ${duration(1e9 * Math.ceil(rest / operation.moved_bytes * operation.elapsed_ns / 1e9))} left`;
}

/** Share of what is to move that has moved; null when nothing moves. */
export function progress(report) {
	const operation = report.operation;
	if (!isMoving(report) || operation.to_move_bytes === 0) {
		return null;
	}
	return Math.min(1, operation.moved_bytes / operation.to_move_bytes);
}

function moving(report) {
	const operation = report.operation;
	if (operation.message) {
		return operation.message;
	}
	if (operation.to_node < 0) {
		return "binding threads";
	}
	const held = operation.paused ? ", paused" : left(operation);
	return `moving ${bytes(operation.to_move_bytes)} to node ${operation.to_node}: ${share(progress(report) ?? 0)}${held}`;
}

/** What is the matter with a guest, in a line. */
export function now(report) {
	const {guest, plan} = report;
	if (report.problem) {
		return report.problem;
	}
	if (guest.mode === "off") {
		return "not looked at (mode off)";
	}
	if (isMoving(report)) {
		return moving(report);
	}
	if (!plan) {
		return "first look to come";
	}
	if (plan.verdict === "at-home") {
		return decides(guest.mode) ? "at home" : "good as it is";
	}
	if (plan.verdict === "left-alone") {
		return `left alone: ${plan.reason}`;
	}
	if (plan.verdict !== "blocked" && plan.verdict !== "unknown") {
		if (guest.mode === "observe") {
			return `could be better: ${plan.reason}`;
		}
		if (guest.mode === "advise") {
			return `advice: ${plan.reason}`;
		}
	}
	return `${plan.verdict}: ${plan.reason}`;
}

/** "vCPU 3", "iothread1", "vhost-4711", "emulator qemu": a name that tells the kind needs no other word. */
export function thread(row) {
	const name = row.name.replace(/^IO /, "");
	if (row.kind === "vcpu") {
		return `vCPU ${row.vcpu}`;
	}
	return name.startsWith(row.kind) ? name : `${row.kind} ${name}`;
}
