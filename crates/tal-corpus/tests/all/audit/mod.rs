//! Checks and statistics of whole data sets.

mod corpus;
mod faults;
mod numbers;
mod weak;
