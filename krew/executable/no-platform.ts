/**
 * In the place of what yargs asks its platform: we use its parser alone, which asks nothing. What is left out, above all
 * the tables for widths of characters, takes longer to load than the rest of a short command.
 */
// biome-ignore lint/style/noDefaultExport: yargs imports it so.
export default {};
