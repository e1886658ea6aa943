import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { PAGES } from './docs.ts';

it.each(Object.keys(PAGES))('docs/%s says what the source says: run "npm run docs" after changing it', (name) => {
  expect(readFileSync(`${import.meta.dirname}/../docs/${name}`, 'utf8')).toBe(PAGES[name]?.());
});
