// Make a cell, run commands in it, look at how they ended.   npm run example -- examples/exec.ts
// Limits such as memory: '256M' or pids: 64 need cgroups, hence root or a delegated group; asked and not there, they refuse.
import { Cell } from 'cellos';

await using cell = await Cell.create({ ttl: '1m' });

const hello = await cell.exec(['sh', '-c', 'echo "hello from $(hostname), I am $(id -un)"']);
console.log(hello.stdout.text().trim());

// A failure of the command is a value, not an exception.
const failed = await cell.exec(['sh', '-c', 'echo "cannot do it" >&2; exit 3']);
console.log(`exit ${failed.exitCode}: ${failed.stderr.text().trim()}`);

const killed = await cell.exec(['sh', '-c', 'kill -9 $$']);
console.log(`${killed.ending} by ${killed.signal}, exit ${killed.exitCode}`);

// The cell has no network but loopback, and a read-only system.
const curious = await cell.exec(['sh', '-c', 'touch /usr/x; tail -n +3 /proc/net/dev | cut -d: -f1']);
console.log(curious.stderr.text().trim());
console.log(`interfaces: ${curious.stdout.text().trim()}`);

const upper = await cell.exec(['tr', 'a-z', 'A-Z'], { stdin: 'bytes, text or any async source\n' });
console.log(upper.stdout.text().trim());
