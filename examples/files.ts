// Put files into a cell, and get them out.   npm run example -- examples/files.ts
import { Cell, CellError } from 'cellos';

await using cell = await Cell.create({ ttl: '1m' });

await cell.files.mkdir('src');
await cell.files.write('src/numbers.txt', '3\n1\n2\n');
await cell.exec(['sh', '-c', 'sort src/numbers.txt > sorted.txt; ln -s /etc/passwd trap']);

console.log((await cell.files.readText('sorted.txt')).trim().split('\n').join(' '));
for (const { name, kind, sizeBytes } of await cell.files.list()) console.log(`${kind.padEnd(9)} ${String(sizeBytes).padStart(5)}  ${name}`);

// A cell can plant a link; nobody follows it.
try {
  await cell.files.read('trap');
} catch (error) {
  if (error instanceof CellError) console.log(`${error.code}: ${error.message}`);
}

// For large files: piece by piece.
await cell.exec(['sh', '-c', 'head -c 3000000 /dev/zero > big']);
let bytes = 0;
for await (const chunk of cell.files.stream('big')) bytes += chunk.byteLength;
console.log(`streamed ${bytes} bytes`);
