// breaks tidy: reads process.env
const { env } = process;
export const home = env['HOME'];
