// Talk to a running command: streams with backpressure, stdin, signals.   npm run example -- examples/spawn.ts
import { Cell } from 'cellos';

await using cell = await Cell.create({ ttl: '1m' });

// A command stays only as long as you hold it: leaving the scope kills it.
await using calculator = await cell.spawn(['sh', '-c', 'while read a b; do echo $((a * b)); done'], { stdin: 'pipe' });
console.log(`pid ${calculator.pid} in the cell`);

const answers = calculator.stdout[Symbol.asyncIterator]();
for (const question of ['6 7', '12 12']) {
  await calculator.stdin.write(`${question}\n`);
  const { value } = await answers.next();
  console.log(`${question} -> ${Buffer.from(value ?? []).toString().trim()}`);
}
calculator.stdin.end();
console.log(`ended: ${(await calculator.wait()).ending}`);

// What is not read makes the command wait; leaving the loop closes its stdout.
const flood = await cell.spawn(['yes']);
let bytes = 0;
for await (const chunk of flood.stdout) {
  bytes += chunk.byteLength;
  if (bytes > 1_000_000) break;
}
console.log(`read enough, then it got ${(await flood.wait()).signal}`);
