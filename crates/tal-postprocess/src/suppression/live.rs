//! The rows that wait for selection, found by rank and by place.

use std::ops::Range;

use super::Row;

/// Rows per block: few enough that a visit is cheap, enough that the tree above stays small.
const BLOCK: usize = 16;

/// Rows that wait for selection.
///
/// They lie in blocks by ascending start. A binary tree over the blocks holds, for each node, the best rank and the
/// furthest end below it: the best row stands at the root, and the rows that share time with a segment are found without
/// a look at the others. Selecting a row that overlaps `k` others costs `O(k + log n)` visits of blocks.
pub(super) struct LiveRows {
    /// Block after block; in each the live rows come first, in any order.
    rows: Vec<Row>,
    blocks: Vec<Block>,
    /// Node 1 is the root, `2i` and `2i + 1` are below `i`, the last `width` are the blocks.
    nodes: Vec<Node>,
    /// Number of blocks, rounded up to a power of two.
    width: usize,
}

#[derive(Debug, Clone, Copy)]
struct Block {
    num_live: usize,
    /// The least start.
    start: f32,
}

/// What is known about the live rows below a node.
#[derive(Debug, Clone, Copy)]
struct Node {
    max_end: f32,
    /// Score of the best row.
    score: f32,
    /// Index of the best row among all candidates; `usize::MAX` where no row is live.
    index: usize,
    /// Where the best row lies in `rows`.
    position: usize,
}

impl Node {
    const EMPTY: Self = Self {
        max_end: f32::NEG_INFINITY,
        score: f32::NEG_INFINITY,
        index: usize::MAX,
        position: usize::MAX,
    };

    fn of(row: &Row, position: usize) -> Self {
        Self {
            max_end: row.segment.end,
            score: row.score,
            index: row.index,
            position,
        }
    }

    /// Both together; the rank is that of [`Row::rank`].
    fn join(self, other: Self) -> Self {
        let better =
            self.score > other.score || (self.score == other.score && self.index < other.index);
        Self {
            max_end: self.max_end.max(other.max_end),
            ..if better { self } else { other }
        }
    }
}

impl LiveRows {
    pub(super) fn new(mut rows: Vec<Row>) -> Self {
        rows.sort_unstable_by(|a, b| a.segment.start.total_cmp(&b.segment.start));
        let blocks: Vec<Block> = rows
            .chunks(BLOCK)
            .map(|rows| Block {
                num_live: rows.len(),
                start: rows[0].segment.start,
            })
            .collect();
        let width = blocks.len().next_power_of_two();
        let mut live = Self {
            rows,
            blocks,
            nodes: vec![Node::EMPTY; 2 * width],
            width,
        };
        for block in 0..live.blocks.len() {
            live.nodes[width + block] = live.filter(block, |_| true);
        }
        for node in (1..width).rev() {
            live.nodes[node] = live.nodes[2 * node].join(live.nodes[2 * node + 1]);
        }
        live
    }

    /// Takes out the row of the best rank and treats the rest with `rule(best, row)`, which may lower the score of `row`
    /// and says whether it stays.
    ///
    /// The rule is asked at least for every row that shares time with the best one (an intersection above zero), and must
    /// leave the others as they are.
    pub(super) fn take_best(&mut self, rule: impl Fn(&Row, &mut Row) -> bool) -> Option<Row> {
        let position = self.nodes[1].position;
        let best = *self.rows.get(position)?;
        let home = position / BLOCK;
        self.remove(position);
        let reach = self
            .blocks
            .partition_point(|block| block.start < best.segment.end);
        let visit = Visit { best, home, reach };
        self.visit(1, 0..self.width, &visit, &rule);
        Some(best)
    }

    fn remove(&mut self, position: usize) {
        let home = position / BLOCK;
        self.blocks[home].num_live -= 1;
        let last = home * BLOCK + self.blocks[home].num_live;
        self.rows.swap(position, last);
    }

    fn visit(
        &mut self,
        node: usize,
        blocks: Range<usize>,
        visit: &Visit,
        rule: &impl Fn(&Row, &mut Row) -> bool,
    ) {
        // The block that the best row left is brought up to date in any case.
        let apart =
            blocks.start >= visit.reach || self.nodes[node].max_end <= visit.best.segment.start;
        if apart && !blocks.contains(&visit.home) {
            return;
        }
        self.nodes[node] = if blocks.len() == 1 {
            self.filter(blocks.start, |row| rule(&visit.best, row))
        } else {
            let middle = blocks.start + blocks.len() / 2;
            self.visit(2 * node, blocks.start..middle, visit, rule);
            self.visit(2 * node + 1, middle..blocks.end, visit, rule);
            self.nodes[2 * node].join(self.nodes[2 * node + 1])
        };
    }

    /// Drops the rows of a block that `keep` refuses and sums up the others.
    fn filter(&mut self, block: usize, keep: impl Fn(&mut Row) -> bool) -> Node {
        let mut node = Node::EMPTY;
        let mut position = block * BLOCK;
        while position < block * BLOCK + self.blocks[block].num_live {
            if keep(&mut self.rows[position]) {
                node = node.join(Node::of(&self.rows[position], position));
                position += 1;
            } else {
                self.remove(position);
            }
        }
        node
    }
}

/// A row that was selected and where its effect ends.
struct Visit {
    best: Row,
    /// Block that the row was taken from.
    home: usize,
    /// Number of blocks whose least start lies before the end of the row.
    reach: usize,
}
