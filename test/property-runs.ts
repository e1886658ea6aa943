/** How often each property is tried, where its test does not say: `PROPERTY_RUNS`, for the soak, or 300. */
import { configureGlobal } from 'fast-check';

configureGlobal({ numRuns: Number(process.env['PROPERTY_RUNS'] ?? 300) });
