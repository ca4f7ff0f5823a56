/** The drawings of visualizations/diagrams by machine, as SVG. The build writes the module. */
export declare const drawings: Readonly<Record<string, string>>
