// Time limits and cancelling, for one command and for a whole cell.   npm run example -- examples/cancel.ts
import { Cell, CellError } from 'cellos';

const cell = await Cell.create({ ttl: '2s' });

const slow = await cell.exec(['sleep', '60'], { timeoutMs: 100 });
console.log(`${slow.ending}, exit ${slow.exitCode}: ${slow.reason}`);

const stop = new AbortController();
const running = cell.exec(['sh', '-c', 'echo started; sleep 60'], { signal: stop.signal, onStdout: () => stop.abort() });
const { ending, reason } = await running;
console.log(`${ending}: ${reason}`);

// The cell ends at its time to live, whatever runs in it, and is sealed as timed out.
const late = await cell.exec(['sleep', '60']);
console.log(`${late.ending}: ${late.reason}`);
try {
  await cell.exec(['true']);
} catch (error) {
  if (error instanceof CellError) console.log(error.code);
}
console.log(`the cell: ${(await cell.close()).ending}`);
