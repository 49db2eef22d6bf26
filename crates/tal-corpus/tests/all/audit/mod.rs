//! Checks and statistics of whole data sets.

mod causes;
mod corpus;
mod faults;
mod numbers;
mod weak;
