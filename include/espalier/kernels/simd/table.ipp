// SPDX-License-Identifier: MIT
// The table of all kernels. Included by kernels.hpp behind all of them.

template <int Rows>
constexpr void list_tiles(Table& table, int height) {
    table.tile[height][0] = tile<Rows, 1>;
    table.tile[height][1] = tile<Rows, 2>;
    if constexpr (tile_vectors > 2)
        table.tile[height][2] = tile<Rows, 3>;
    if constexpr (Rows > 1)
        list_tiles<Rows / 2>(table, height + 1);
}

[[nodiscard]] constexpr Table make_table() {
    Table table{};
    table.lanes = lanes;
    table.tile_rows = tile_rows;
    table.tile_vectors = tile_vectors;
    list_tiles<tile_rows>(table, 0);
    table.pool_rows = pool_rows;
    table.pool_vectors = pool_vectors;
    table.pool_tile[0] = pool_tile<1>;
    table.pool_tile[1] = pool_tile<2>;
    if constexpr (pool_vectors > 2)
        table.pool_tile[2] = pool_tile<3>;
    table.dot_rows = dot_rows;
    table.dot_columns = dot_columns;
    table.dot[0][0] = dot<1, 1>;
    table.dot[0][1] = dot<1, dot_columns>;
    table.dot[1][0] = dot<dot_rows, 1>;
    table.dot[1][1] = dot<dot_rows, dot_columns>;
    table.copy_rows = copy_rows;
    table.add_rows = add_rows;
    table.weighted_runs = weighted_runs;
    table.add_to_rows = add_to_rows;
    table.add_column_sums = add_column_sums;
    table.add_column_products = add_column_products;
    table.add_column_squares = add_column_squares;
    table.affine_rows = affine_rows;
    table.row_sum = row_sum;
    table.row_product = row_product;
    table.row_squares = row_squares;
    table.softmax_rows = softmax_rows;
    table.softmax_again = softmax_again;
    table.relu_backward = relu_backward;
    table.unpool_row = unpool_row;
    table.window_sums = window_sums;
    table.window_products = window_products;
    table.window_max = window_max;
    table.sgd = sgd;
    table.sgd_momentum = sgd_momentum;
    table.adagrad = adagrad;
    table.adam = adam;
    return table;
}
