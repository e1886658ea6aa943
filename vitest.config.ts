import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'tools/**/*.test.ts', 'fuzz/**/*.test.ts'],
    setupFiles: ['test/property-runs.ts'],
    testTimeout: 60_000,
  },
});
