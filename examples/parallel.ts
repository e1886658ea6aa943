// Several cells side by side: none sees another, each has a host user of its own.   npm run example -- examples/parallel.ts
import { Cell } from 'cellos';

const names = ['red', 'green', 'blue'];
const cells = await Promise.all(names.map((name) => Cell.create({ id: name, ttl: '1m' })));
try {
  const results = await Promise.all(cells.map((cell) => cell.exec(['sh', '-c', 'echo mine > note; ls; ls /proc | grep -c "^[0-9]"'])));
  results.forEach((result, i) => {
    const [file, processes] = result.stdout.text().trim().split('\n');
    console.log(`${names[i]}: sees ${file} and ${processes} processes`);
  });
  console.log(`host users: ${new Set(cells.map((cell) => cell.facts.hostUid)).size}`);
} finally {
  const ends = await Promise.all(cells.map((cell) => cell.close()));
  console.log(`gone without residue: ${ends.filter((end) => end.residue.length === 0).length} of ${ends.length}`);
}
