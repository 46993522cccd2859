// SPDX-License-Identifier: MIT
// The table of a size of Winograd's convolution. Included by kernels.hpp behind winograd.ipp and winograd_products.ipp.

template <int M, int R>
constexpr WinogradTable make_winograd_table() {
    WinogradTable table{};
    table.outputs = M;
    table.taps = R;
    table.points = Axis<M, R>::points;
    table.products[0] = winograd_products<1>;
    table.products[1] = winograd_products<2>;
    if constexpr (tile_vectors > 2)
        table.products[2] = winograd_products<3>;
    table.pixels = winograd_pixels<M, R>;
    table.weights = winograd_weights<M, R>;
    table.results = winograd_results<M, R>;
    table.pool = winograd_pool;
    table.cotangents = winograd_cotangents<M, R>;
    table.weight_gradients = winograd_weight_gradients<M, R>;
    return table;
}
